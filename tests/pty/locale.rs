//! What is drawn if the locale has no UTF-8.

use crate::support::SIZE;
use crate::support::program::Desk;
use crate::support::terminal::Terminal;

/// Everything that the demo writes from its first frame to its last line, including the chart.
fn written(locale: &[(&str, &str)]) -> Vec<u8> {
    let desk = Desk::new();
    let mut command = desk.command(&["demo"]);
    command.envs(locale.iter().copied());
    let terminal = Terminal::start(SIZE, &command);
    let start = terminal.mark();
    terminal.see("IBM");
    terminal.press("enter");
    terminal.see("IBM 5min raw");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    terminal.bytes_since(start)
}

#[test]
fn a_locale_without_utf8_gets_ascii_alone() {
    for locale in [
        &[("LC_ALL", "C")][..],
        &[("LC_ALL", "en_US.ISO-8859-1"), ("LANG", "en_US.UTF-8")],
        &[("LC_ALL", ""), ("LC_CTYPE", "POSIX")],
    ] {
        let written = written(locale);
        let foreign = written.iter().position(|byte| !byte.is_ascii());
        assert_eq!(foreign, None, "{locale:?}");
    }
}

#[test]
fn a_locale_with_utf8_or_none_gets_lines() {
    for locale in [&[][..], &[("LANG", "C.UTF-8")], &[("LC_ALL", "en_US.utf8")]] {
        let written = String::from_utf8_lossy(&written(locale)).into_owned();
        assert!(written.contains('─'), "{locale:?}");
    }
}
