//! The log that `run` leaves for the next start.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn run_keeps_its_log_in_the_data_folder_unless_it_is_told_not_to() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new()
        .asking(&server)
        .with("PIPELINE_SYMBOLS", "IBM")
        .with("PIPELINE_INTERVAL", "daily");
    let log = desk.folder().join("data/log/pipeline-tui.log");
    let config = desk.folder().join("config.toml");
    let desk = desk.with("PIPELINE_CONFIG", config.to_str().unwrap());
    std::fs::write(&config, "[log]\nkeep = false\n").unwrap();
    starts::run_until(&desk, &["run 1 succeeded"]);
    assert!(!log.exists());

    std::fs::write(&config, "").unwrap();
    for start in 1..=2 {
        desk.sql("DELETE FROM lanes");
        starts::run_until(&desk, &["this process fetches on schedule"]);
        let kept = std::fs::read_to_string(&log).unwrap();
        for words in ["engine started", "fetches on schedule", "engine stopped"] {
            let lines = kept.lines().filter(|line| line.contains(words)).count();
            assert_eq!(lines, start, "{words}: {kept}");
        }
        let is_whole = |line: &str| {
            let at = line.split(' ').next().unwrap();
            DateTime::parse_from_rfc3339(at).is_ok() && line.contains(" INFO ")
        };
        assert!(kept.lines().all(is_whole), "{kept}");
        assert!(!kept.contains(CANARY), "{kept}");
    }
}
