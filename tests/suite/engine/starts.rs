//! What a start spends by itself on a plan with a day limit, counted in the provider's journal.

use pipeline_tui::pipeline::planner::WhyNot;

use super::*;

/// What one free key can fetch in twelve days.
const SERIES: u32 = 300;
/// What is said about the rest.
const REST: &str = "295 more series are due: 295 requests, 20 left today; the schedule continues";

fn symbols() -> impl Iterator<Item = String> {
    (0..SERIES).map(|number| format!("SYM{number:03}"))
}

/// A free key's day without its pace.
fn a_day(pipeline: Pipeline) -> Arc<Pipeline> {
    let mut pipeline = pipeline;
    let policy = &mut pipeline.lanes[0].policy;
    policy.quota = Quota::daily(TimeDelta::zero(), Some(25), New_York);
    policy.waits.burst = Duration::from_millis(1);
    policy.in_flight = 1;
    Arc::new(pipeline)
}

fn of_300() -> EngineOptions {
    let daily = |symbol: String| SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily);
    EngineOptions {
        watch: symbols().map(daily).collect(),
        ..options()
    }
}

/// Waits until a run has ended and all requests sent until then are counted.
async fn until_run(handle: &mut Handle, trigger: &str, used: u32) -> Arc<Snapshot> {
    until(handle, |snapshot| {
        let newest = snapshot.runs.first();
        snapshot.run.is_none()
            && newest.is_some_and(|run| run.trigger == trigger && run.finished_at.is_some())
            && snapshot.sources[0].quota.used == used
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_300_due_sends_five_and_the_schedule_spends_the_rest() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let pipeline = a_day(pipeline(store, &server, &hands, CANARY));
        let mut handle = engine::start(pipeline, of_300()).await.unwrap();
        let rest = told(&mut handle, |what| match what {
            What::Rest { series, left, .. } => Some((*series, *left)),
            _ => None,
        });
        assert_eq!(rest.await, (295, 20));
        until_run(&mut handle, "start", 5).await;
        assert_eq!(server.journal().len(), 5);
        // What is known of the last series is read after the end of the run.
        let snapshot = until(&mut handle, |snapshot| snapshot.schedule.due == 295).await;
        let asked: Vec<_> = snapshot
            .series
            .iter()
            .take_while(|series| series.fetched_at.is_some())
            .collect();
        assert_eq!(asked.len(), 5, "the first of the list");
        let schedule = &snapshot.schedule;
        assert_eq!((schedule.due, schedule.sendable), (295, 20));
        // One request is kept for a person.
        assert_eq!((schedule.due_next, schedule.sendable_next), (300, 19));
        assert!(snapshot.sources[0].quota.renews_at.is_some());

        hands.move_on(TimeDelta::minutes(260));
        let snapshot = until_run(&mut handle, "schedule", 24).await;
        assert_eq!(server.journal().len(), 24);
        let last = &snapshot.plan.lines[0];
        assert_eq!(last.why_not_now, Some(WhyNot::Schedule));
        let due = handle.commands.send(Command::FetchDue);
        due.await.unwrap();
        let snapshot = until_run(&mut handle, "due", 25).await;
        assert_eq!(server.journal().len(), 25);
        assert_eq!(snapshot.schedule.sendable, 0);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_of_a_start_are_of_its_five() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        server.set_faults(vec!["burst@1".parse().unwrap()]);
        let pipeline = a_day(pipeline(store, &server, &hands, CANARY));
        let mut handle = engine::start(pipeline, of_300()).await.unwrap();
        let snapshot = until_run(&mut handle, "start", 5).await;
        let run = &snapshot.runs[0];
        assert_eq!((run.series, run.succeeded, run.requests), (5, 4, 5));
        assert_eq!(server.journal().len(), 5);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_days_limit_fetches_all_at_its_start() {
    let (_folder, [store, _]) = pairs().await.remove(0);
    let hands = Hands::at_noon();
    let server = market(&hands).await;
    let pipeline = Arc::new(pipeline(store, &server, &hands, CANARY));
    let mut handle = engine::start(pipeline, of_300()).await.unwrap();
    let snapshot = until_run(&mut handle, "start", SERIES).await;
    assert_eq!(server.journal().len(), SERIES as usize);
    assert_eq!(snapshot.sources[0].quota.renews_at, None);
    end(handle).await;
}

/// What `run` prints until a line holds these words; then it is stopped.
pub fn run_until(desk: &Desk, words: &[&str]) -> String {
    let mut child = desk
        .command(&["run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        said.push_str(&line.unwrap());
        said.push('\n');
        if words.iter().all(|words| said.contains(words)) {
            break;
        }
    }
    signal("TERM", &child);
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}{rest:?}");
    said + &rest.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn run_sends_five_at_its_start_however_often_it_is_started() {
    // It has no limits of its own: on a slow machine two requests may arrive within a second.
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let seen = server.journal().len();
        let symbols: Vec<String> = symbols().collect();
        let desk = desk
            .asking(&server)
            .with("ALPHA_VANTAGE_PLAN", "free")
            .with("PIPELINE_INTERVAL", "daily")
            .with("PIPELINE_SYMBOLS", &symbols.join(","));
        desk.run(&["runs"]);
        // Its last instant was years ago, and its next one is far: no test waits for half past four.
        let leap_days: Schedule = "0 0 29 2 *".parse().unwrap();
        let leap_days = serde_json::to_string(&leap_days).unwrap();
        desk.sql(&format!(
            "INSERT INTO settings (name, value) VALUES ('schedule', '{leap_days}')"
        ));
        let said = run_until(&desk, &[REST, "run 1 succeeded: 5 of 5 series, 5 requests"]);
        assert!(said.contains("F in the panel fetches 20 now"), "{said}");
        let is_timed = |line: &str| {
            let at = line.split(' ').next().unwrap_or_default();
            line.starts_with("engine ") || DateTime::parse_from_rfc3339(at).is_ok()
        };
        assert!(said.lines().all(is_timed), "{said}");
        assert_eq!(server.journal().len() - seen, 5, "{said}");
        // A process that dies before it has recorded its start, again and again.
        for _ in 0..2 {
            desk.sql("DELETE FROM lanes");
            run_until(&desk, &[REST]);
        }
        assert_eq!(server.journal().len() - seen, 5);
        assert_eq!(desk.sql("SELECT count(*) FROM runs"), ["1"]);
    }
}
