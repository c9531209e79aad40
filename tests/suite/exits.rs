//! Exit codes that scripts rely on, and the character set of what people read.

use pipeline_tui::simulate::{Options, Plan, Server};

use crate::support::program::{CANARY, Desk, Done};

async fn market(plan: Plan, faults: &[&str]) -> Server {
    Server::start(Options {
        plan,
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn assert_ended(done: &Done, code: i32, says: &[&str]) {
    assert_eq!(done.code, code, "{done:?}");
    for say in says {
        let is_said = done.stdout.contains(say) || done.stderr.contains(say);
        assert!(is_said, "{say}: {done:?}");
    }
}

const DAILY: [&str; 5] = ["fetch", "--interval", "daily", "--symbols", "IBM"];

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_as_its_series_do() {
    let fair = market(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&fair);
    assert_ended(&desk.run(&DAILY), 0, &["1 of 1 series"]);
    // What neither waiting nor another plan fixes, alone and beside a success.
    let unknown = ["fetch", "--interval", "daily", "--symbols", "NOSUCHSYMBOL"];
    assert_ended(&desk.run(&unknown), 1, &["NOSUCHSYMBOL"]);
    let both = [
        "fetch",
        "--interval",
        "daily",
        "--symbols",
        "IBM,NOSUCHSYMBOL",
    ];
    assert_ended(&desk.run(&both), 1, &["1 of 2 series"]);
    // The wrong key is a setting.
    let wrong = market(Plan::Unlimited, &["bad-key"]).await;
    assert_ended(&desk.asking(&wrong).run(&DAILY), 2, &["bad_key"]);
    // The plan, and the key demo.
    let free = market(Plan::Free, &[]).await;
    let desk = Desk::new().asking(&free);
    let intraday = ["fetch", "--interval", "5min", "--symbols", "IBM"];
    assert_ended(&desk.run(&intraday), 4, &["plan"]);
    let desk = Desk::new()
        .asking(&free)
        .with("ALPHA_VANTAGE_API_KEY", "demo");
    let apple = ["fetch", "--interval", "daily", "--symbols", "AAPL"];
    assert_ended(&desk.run(&apple), 4, &["needs your own key"]);
}

#[test]
fn the_log_names_what_is_behind_a_request_that_failed() {
    // Nobody listens at port 1.
    let desk = Desk::new().with("ALPHA_VANTAGE_BASE_URL", "http://127.0.0.1:1");
    let done = desk.run(&[&DAILY[..], &["-vv"]].concat());
    let mut lines = done.stderr.lines();
    let line = lines.find(|line| line.contains("the request failed"));
    assert!(
        line.is_some_and(
            |line| line.contains("error sending request: ") && line.contains("refused")
        ),
        "{done:?}"
    );
    assert!(!done.stderr.contains(CANARY), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctors_code_says_whether_a_setting_must_be_mended() {
    let server = market(Plan::Unlimited, &[]).await;
    let desk = || Desk::new().asking(&server);
    assert_ended(&desk().run(&["doctor"]), 0, &["ok  configuration"]);
    for (variable, value, say) in [
        ("PIPELINE_INTERVAL", "7min", "use 1min"),
        ("ALPHA_VANTAGE_PLAN", "gold", "ALPHA_VANTAGE_PLAN"),
        ("ALPHA_VANTAGE_API_KEY", "two words", "copy it again"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL"),
    ] {
        let desk = desk().with(variable, value);
        assert_ended(&desk.run(&["doctor"]), 2, &["!!  configuration", say]);
        assert_ended(&desk.run(&["config", "check"]), 2, &[say]);
        // A health check of a container may end in 0 or 1 only.
        assert_ended(&desk.run(&["doctor", "--store"]), 1, &[say]);
    }
    let two = desk()
        .with("PIPELINE_INTERVAL", "7min")
        .with("ALPHA_VANTAGE_PLAN", "gold");
    assert_ended(&two.run(&["doctor"]), 2, &["7min", "gold"]);
    for (toml, say) in [
        ("[ui]\ntheme = 'drak'\n", "ui.theme"),
        ("[ui]\ntime_zone = 'mars'\n", "ui.time_zone"),
        ("[keys]\nfetch = 'nonsense'\n", "nonsense"),
        ("interval = '7min'\n", "use 1min"),
        ("=", "not valid TOML"),
    ] {
        let desk = desk();
        let path = desk.folder().join("settings.toml");
        std::fs::write(&path, toml).unwrap();
        let desk = desk.with("PIPELINE_CONFIG", path.to_str().unwrap());
        assert_ended(&desk.run(&["doctor"]), 2, &["!!  configuration", say]);
        assert_ended(&desk.run(&["config", "check"]), 2, &[say]);
        let shown = desk.run(&["config", "path"]);
        assert_ended(&shown, 0, &[path.to_str().unwrap()]);
    }
    // Temporary: the database or the provider is away.
    let away = desk().with("DATABASE_URL", "postgres://me@127.0.0.1:1/bars");
    assert_ended(&away.run(&["doctor"]), 3, &["!!  database"]);
    let alone = Desk::new().with("ALPHA_VANTAGE_BASE_URL", "http://127.0.0.1:9/query");
    assert_ended(&alone.run(&["doctor"]), 3, &["!!  provider"]);
    // What someone must change takes precedence over what waiting fixes.
    let typo = away.with("PIPELINE_SYMBOL", "IBM");
    assert_ended(
        &typo.run(&["doctor"]),
        1,
        &["did you mean PIPELINE_SYMBOLS"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_read_is_ascii_where_the_locale_has_no_utf8() {
    let server = market(Plan::Unlimited, &[]).await;
    let plain = Desk::new().asking(&server).with("LC_ALL", "C");
    plain.run(&DAILY);
    let nice = plain.run(&["bars", "IBM"]);
    assert!(nice.stdout.is_ascii(), "{nice:?}");
    for line in [
        "--help",
        "bars --help",
        "runs",
        "runs 1",
        "runs 7",
        "keys",
        "doctor",
        "config show",
        "fetch --symbols caf\u{e9}",
        "nonsense\u{e9}",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let done = plain.run(&arguments);
        let said = done.stdout + &done.stderr;
        assert!(!said.is_empty() && said.is_ascii(), "{line}: {said}");
    }
    assert_ended(&plain.run(&["doctor"]), 0, &["ASCII only (LC_ALL=C)"]);
    assert_ended(&plain.run(&["config", "show"]), 0, &["LC_ALL=C"]);
    // What programs read, and pages, are the same everywhere.
    let utf8 = plain.with("LC_ALL", "C.UTF-8");
    assert_ended(&utf8.run(&["doctor"]), 0, &["UTF-8 (LC_ALL=C.UTF-8)"]);
    assert!(utf8.run(&["--help"]).stdout.contains('…'));
    let folder = utf8.folder().join("caf\u{e9}");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("settings.toml");
    std::fs::write(&path, "").unwrap();
    let desk = utf8.with("PIPELINE_CONFIG", path.to_str().unwrap());
    let shown = |desk: &Desk, arguments: &[&str]| desk.run(arguments).stdout;
    let pages: [&[&str]; 4] = [
        &["keys", "--markdown"],
        &["config", "path"],
        &["man"],
        &["runs", "1", "--format", "json"],
    ];
    let before: Vec<String> = pages.iter().map(|page| shown(&desk, page)).collect();
    let desk = desk.with("LC_ALL", "C");
    let after: Vec<String> = pages.iter().map(|page| shown(&desk, page)).collect();
    assert_eq!(before, after);
    assert!(before[1].contains('é'));
}
