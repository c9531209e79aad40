//! The real program in a world whose clock is wrong. And zones without data.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike as _, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::America::New_York;
use pipeline_tui::model::calendar::{Calendar, CalendarId};
use pipeline_tui::simulate::Plan;
use pipeline_tui::time::Clock;

use crate::support::program::{Desk, Done, provider, seen, signal};
use crate::support::promise::assert_in_time;
use crate::support::wall::Wall;
use crate::support::{cluster, rounds};

/// How long a due run may take to start once the clock has jumped. The program checks every second.
const STARTS_WITHIN: Duration = Duration::from_secs(2);

/// Noon in New York on the next Friday: the market is open, and so it is each week later.
fn noon() -> DateTime<Utc> {
    let new_york = Calendar::from(CalendarId::Xnys);
    let mut date = Clock::system().now().date_naive() + TimeDelta::days(1);
    while date.weekday() != Weekday::Fri || new_york.session(date).is_none() {
        date += TimeDelta::days(1);
    }
    let noon = New_York.from_local_datetime(&date.and_hms_opt(12, 0, 10).unwrap());
    noon.unwrap().to_utc()
}

/// `RESUMES` times a machine wakes up a week later, in which 168 instants of the schedule passed.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_suspend_the_due_run_starts_within_two_seconds_and_once() {
    let resumes = rounds("RESUMES", 3);
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Unlimited, &[]).await;
        let desk = desk
            .asking(&server)
            .with("PIPELINE_SYMBOLS", "IBM")
            .with("PIPELINE_INTERVAL", "5min");
        desk.run(&["runs"]);
        let start = noon();
        desk.sql(&format!(
            "INSERT INTO lanes (source, last_tick) VALUES ('alpha_vantage', '{}')",
            (start - TimeDelta::seconds(5)).to_rfc3339()
        ));
        desk.sql(
            "INSERT INTO settings (name, value) VALUES \
             ('schedule', '{\"when\":{\"every\":{\"minutes\":60}},\"missed\":\"once\"}')",
        );
        let Some(wall) = Wall::new(desk.folder()) else {
            return;
        };
        wall.show(start);
        let mut command = wall.over(desk.command(&["run"]));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let owns = |line: &String| line.contains("this process fetches on schedule");
        assert!(lines.by_ref().map_while(Result::ok).any(|line| owns(&line)));
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
        let mut worst = Duration::ZERO;
        for week in 1..=resumes {
            let asked = server.journal().len();
            wall.show(start + TimeDelta::weeks(i64::try_from(week).unwrap()));
            let jumped = Instant::now();
            seen(&server, asked + 1).await;
            worst = worst.max(jumped.elapsed());
            let done = "SELECT count(*) FROM runs WHERE status = 'succeeded'";
            until(&desk, done, &week.to_string()).await;
            let runs = desk.sql("SELECT count(*) FROM runs");
            assert_eq!(runs, [week.to_string()], "one run for 168 instants");
        }
        signal("TERM", &child);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(desk.sql("SELECT count(*) FROM runs"), [resumes.to_string()]);
        assert!(rest.join().unwrap() > 0);
        cluster::notice(&format!(
            "{resumes} resumes, the slowest start after {worst:?}"
        ));
        assert_in_time(worst, STARTS_WITHIN);
    }
}

/// Waits until a query returns this.
async fn until(desk: &Desk, sql: &str, answer: &str) {
    let waiting = async {
        while desk.sql(sql) != [answer] {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap();
}

/// Years at which counters of seconds begin, end, or had one more.
#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_in_any_year_stores_its_bars_and_says_when() {
    for instant in [
        "1970-01-01T00:00:30Z",
        "1999-12-31T23:59:59Z",
        // A leap second follows.
        "2016-12-31T23:59:59Z",
        "2038-01-19T03:14:06Z",
        "2106-02-07T06:28:14Z",
    ] {
        let server = provider(Plan::Unlimited, &[]).await;
        let desk = Desk::new().asking(&server);
        let Some(wall) = Wall::new(desk.folder()) else {
            return;
        };
        wall.show(instant.parse().unwrap());
        for (round, count) in [("inserted", 100), ("unchanged", 100)] {
            let arguments = [
                "fetch",
                "--symbols",
                "IBM",
                "--interval",
                "daily",
                "--outputsize",
                "compact",
                "--format",
                "json",
            ];
            let mut command = wall.over(desk.command(&arguments));
            let done = Done::from(command.output().unwrap());
            assert_eq!(done.code, 0, "{instant}: {done:?}");
            let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
            assert_eq!(document["series"][0][round], count, "{instant}: {document}");
        }
        // The store wrote the time of that clock, so the clock was really that.
        let years = desk.sql("SELECT DISTINCT substr(started_at, 1, 4) FROM runs");
        let (year, _) = instant.split_once('-').unwrap();
        let next = (year.parse::<i32>().unwrap() + 1).to_string();
        assert!(
            years.iter().all(|found| *found == year || *found == next),
            "{years:?}"
        );
        let shown = wall.over(desk.command(&["runs"])).output().unwrap();
        assert!(shown.status.success(), "{shown:?}");
    }
}

/// Zones are built in: neither the machine's zone data nor its local zone matters.
#[tokio::test(flavor = "multi_thread")]
async fn bars_are_the_same_where_the_machine_has_no_zones() {
    let server = provider(Plan::Unlimited, &[]).await;
    let bars = |desk: &Desk, wrap: &dyn Fn(Command) -> Command| {
        let fetch = ["fetch", "--symbols", "IBM", "--interval", "5min"];
        let done = wrap(desk.command(&fetch)).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let bars = [
            "bars",
            "IBM",
            "--interval",
            "5min",
            "--format",
            "csv",
            "--limit",
            "1000",
        ];
        let done = wrap(desk.command(&bars)).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let usual = bars(&Desk::new().asking(&server), &|command| command);
    assert_eq!(usual.lines().count(), 101);
    for zone in ["Mars/Olympus", ":/nowhere", "Asia/Kolkata", ""] {
        let desk = Desk::new()
            .asking(&server)
            .with("TZ", zone)
            .with("TZDIR", "/nowhere");
        assert_eq!(bars(&desk, &|command| command), usual, "TZ={zone}");
    }
    let hidden = |command: Command| {
        let mut hiding = Command::new("unshare");
        let hide = "mount -t tmpfs none /usr/share/zoneinfo && test -z \"$(ls /usr/share/zoneinfo)\" && exec \"$@\"";
        hiding
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                hide,
                "sh",
            ])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(command.get_current_dir().unwrap())
            .stdin(Stdio::null());
        hiding
    };
    let mut nothing = Command::new("true");
    nothing.current_dir("/");
    let can_hide = hidden(nothing)
        .output()
        .is_ok_and(|done| done.status.success());
    if can_hide {
        assert_eq!(bars(&Desk::new().asking(&server), &hidden), usual);
    } else {
        cluster::notice("skipped: zone data cannot be hidden from a process here");
    }
}
