//! A symbol has one spelling and a known source, whatever way it comes in.

use pipeline_tui::simulate::Plan;

use crate::support::program::{Desk, provider};

/// The series of a fetch, as the program names them.
fn fetched(desk: &Desk, arguments: &[&str]) -> Vec<String> {
    let (code, document) = desk.fetch(arguments);
    assert_eq!(code, 0, "{document}");
    let series = document["series"].as_array().unwrap().iter();
    let name = |series: &serde_json::Value| {
        let word = |name: &str| series[name].as_str().unwrap().to_owned();
        [word("source"), word("symbol"), word("interval")].join(" ")
    };
    series.map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ibm_in_any_case_is_one_series_and_one_request() {
    let server = provider(Plan::Unlimited, &[]).await;
    let ibm = ["alpha_vantage IBM daily"];
    for desk in Desk::on_each_database() {
        let before = server.journal().len();
        let requests = || server.journal().len() - before;
        let daily = ["--interval", "daily"];
        let mut desk = desk.asking(&server);

        let flag = [
            "--symbols",
            "ibm,IBM, Ibm,alpha_vantage:ibm",
            "--interval",
            "daily",
        ];
        assert_eq!(
            (fetched(&desk, &flag), requests()),
            (ibm.map(str::to_owned).to_vec(), 1)
        );
        let bars = desk.run(&[
            "bars",
            "ibm",
            "--interval",
            "daily",
            "--limit",
            "3",
            "--fresh",
        ]);
        assert_eq!(
            (bars.code, bars.stdout.lines().count(), requests()),
            (0, 4, 1),
            "{bars:?}"
        );

        desk = desk.with("PIPELINE_SYMBOLS", "ibm,IBM");
        assert_eq!(
            (fetched(&desk, &daily), requests()),
            (ibm.map(str::to_owned).to_vec(), 2)
        );
        let file = desk.folder().join("mine.toml");
        std::fs::write(
            &file,
            "symbols = ['ibm', 'IBM', 'iBm']\ninterval = 'daily'\n",
        )
        .unwrap();
        desk = desk
            .with("PIPELINE_SYMBOLS", "")
            .with("PIPELINE_CONFIG", file.to_str().unwrap());
        assert_eq!(
            (fetched(&desk, &[]), requests()),
            (ibm.map(str::to_owned).to_vec(), 3)
        );

        let added = desk.run(&["watch", "add", "ibm,IBM", "iBm"]);
        assert!(
            added.stdout.starts_with("added 0, 3 were already"),
            "{added:?}"
        );
        let list = desk.folder().join("list.csv");
        std::fs::write(&list, "ibm,daily\nMsft\nmsft,daily\nalpha_vantage:MSFT\n").unwrap();
        let imported = desk.run(&["watch", "import", list.to_str().unwrap()]);
        assert!(
            imported.stdout.starts_with("added 1, 3 were already"),
            "{imported:?}"
        );
        let removed = desk.run(&["watch", "remove", "Msft"]);
        assert!(removed.stdout.starts_with("removed 1 "), "{removed:?}");
        let listed = desk.run(&["watch", "export"]);
        assert_eq!(listed.stdout, "symbol,interval,adjusted\nIBM,daily,false\n");
        let symbols = desk.sql("SELECT DISTINCT symbol FROM stock_data");
        assert_eq!(symbols, ["IBM"]);
        assert_eq!(requests(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_named_by_flag_variable_file_or_in_front_of_the_symbol() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    let flags = [
        "--source",
        "alpha_vantage",
        "--symbols",
        "IBM",
        "--interval",
        "daily",
    ];
    assert_eq!(fetched(&desk, &flags), ["alpha_vantage IBM daily"]);
    let shown = desk.run(&["config", "show", "--source", "alpha_vantage"]);
    let row = shown
        .stdout
        .lines()
        .find(|line| line.starts_with("PIPELINE_SOURCE"));
    assert!(row.unwrap().ends_with("flag --source"), "{shown:?}");

    let refused = desk.run(&["fetch", "--source", "alpha_vantge", "--symbols", "IBM"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("--source: this version does not know the source alpha_vantge")
            && refused.stderr.contains("did you mean alpha_vantage?"),
        "{refused:?}"
    );
    let file = desk.folder().join("mine.toml");
    std::fs::write(&file, "source = 'elsewhere'\n").unwrap();
    let desk = desk.with("PIPELINE_CONFIG", file.to_str().unwrap());
    let refused = desk.run(&["config", "check"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("mine.toml:1: source: ")
            && refused.stderr.contains("use alpha_vantage"),
        "{refused:?}"
    );
    assert_eq!(server.journal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_refused_before_a_request_by_one_rule() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new()
        .asking(&server)
        .with("ALPHA_VANTAGE_API_KEY", "");
    let file = desk.folder().join("key");
    std::fs::write(&file, "x\n").unwrap();
    let rule = "a key is 8 to 256 characters";
    for flags in [
        ["--api-key", "x"],
        ["--api-key-file", file.to_str().unwrap()],
    ] {
        let done = desk.run(&["fetch", "--symbols", "IBM", flags[0], flags[1]]);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(
            done.stderr.contains(flags[0]) && done.stderr.contains(rule),
            "{done:?}"
        );
    }
    let saved = desk.folder().join("alpha_vantage.key");
    std::fs::copy(&file, &saved).unwrap();
    let config = desk.folder().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let desk = desk.with("PIPELINE_CONFIG", config.to_str().unwrap());
    let done = desk.run(&["config", "check"]);
    assert!(
        done.code == 0 && done.stdout.contains("is not used: "),
        "{done:?}"
    );
    assert_eq!(server.journal().len(), 0);
}

#[test]
fn a_watched_series_of_a_source_of_tomorrow_stays_and_is_shown_with_a_sentence() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["watch", "add", "IBM,MSFT"]).code, 0);
    desk.sql("UPDATE series SET source = 'of_tomorrow' WHERE symbol = 'MSFT'");
    let listed = desk.run(&["watch", "list"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(
        listed.stdout.contains("of_tomorrow:MSFT  5min"),
        "{listed:?}"
    );
    let sentence =
        "this version does not know the source of_tomorrow: its 1 series stay on the list";
    assert!(
        listed.stderr.contains(sentence)
            && listed
                .stderr
                .contains("1 series, each fetch costs 1 request"),
        "{listed:?}"
    );
    assert_eq!(desk.run(&["watch", "add", "AAPL"]).code, 0);
    let sources = desk.sql("SELECT source || ' ' || symbol FROM series ORDER BY id");
    assert_eq!(
        sources,
        [
            "alpha_vantage IBM",
            "of_tomorrow MSFT",
            "alpha_vantage AAPL"
        ]
    );
}
