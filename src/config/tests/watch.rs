//! What a new user watches.

use super::*;

#[test]
fn the_usual_interval_is_one_that_the_key_can_have() {
    let own_key = ("FIRST_API_KEY", "ABCDEFGH12345678");
    for (variables, usual) in [
        (vec![], Interval::Daily),
        (vec![own_key], Interval::Daily),
        (vec![own_key, ("FIRST_PLAN", "75")], Interval::Min5),
        (vec![own_key, ("FIRST_PLAN", "unlimited")], Interval::Min5),
        (vec![("FIRST_PLAN", "75")], Interval::Daily),
    ] {
        let place = variables
            .iter()
            .fold(Place::new(), |place, (name, value)| place.var(name, value));
        let settings = place.load();
        assert_eq!(settings.defaults.interval, usual, "{variables:?}");
        assert_eq!(
            names(&settings.defaults.symbols),
            ["IBM", "AAPL", "MSFT", "GOOGL"]
        );
        let shown = place.row("PIPELINE_INTERVAL");
        assert_eq!(shown, (usual.to_string(), "default".into()));
        let configured = place.toml("interval = '60min'\n").load();
        assert_eq!(configured.defaults.interval, Interval::Min60, "as it is");
    }
}
