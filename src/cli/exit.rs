//! Exit codes, and what maps to which.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::ConfigError;
use crate::db::{DbError, DbErrorKind};
use crate::model::causes::Causes;
use crate::model::{ErrorClass, SeriesReport, SeriesStatus};

pub const DONE: u8 = 0;
pub const SOME: u8 = 1;
pub const USAGE: u8 = 2;
pub const PASSING: u8 = 3;
pub const FORBIDDEN: u8 = 4;
pub const INTERRUPTED: u8 = 130;

/// Why a command ended before its work was done.
#[derive(Debug)]
pub enum Failure {
    /// The reader of our output is gone: there is nobody to report to.
    Closed,
    /// A signal came before the store was open.
    Stopped(Stop),
    /// One sentence and the exit code.
    Told {
        /// The code.
        code: u8,
        /// The sentence.
        text: String,
    },
}

impl Failure {
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Told {
            code: USAGE,
            text: text.into(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Told {
                code: PASSING,
                text: format!("the output cannot be written ({error})"),
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        tracing::info!(error = %Causes(&error), "the store failed");
        Self::Told {
            code: of_store(&error),
            text: error.to_string(),
        }
    }
}

/// The exit code where the store failed.
pub const fn of_store(error: &DbError) -> u8 {
    match error.kind {
        DbErrorKind::Refused
        | DbErrorKind::NewerSchema
        | DbErrorKind::ReadOnly
        | DbErrorKind::WritesOff
        | DbErrorKind::NotADatabase => USAGE,
        DbErrorKind::Unreachable
        | DbErrorKind::Full
        | DbErrorKind::Busy
        | DbErrorKind::Superseded
        | DbErrorKind::Other => PASSING,
    }
}

/// The exit code of a run, from how its series ended.
pub fn of_series(reports: &[SeriesReport]) -> u8 {
    if reports
        .iter()
        .any(|report| report.status == SeriesStatus::Cancelled)
    {
        return INTERRUPTED;
    }
    let good = |report: &SeriesReport| {
        matches!(
            report.status,
            SeriesStatus::Succeeded | SeriesStatus::Skipped
        )
    };
    let classes = || {
        reports
            .iter()
            .filter_map(|report| report.error.as_ref())
            .map(|error| error.class)
    };
    if reports.iter().all(good) {
        DONE
    } else if classes().any(|class| class == ErrorClass::BadKey) {
        USAGE
    } else if reports.iter().any(good) {
        SOME
    } else if classes().all(is_passing) {
        PASSING
    } else if classes().all(is_forbidden) {
        FORBIDDEN
    } else {
        SOME
    }
}

const fn is_passing(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Network
            | ErrorClass::Database
            | ErrorClass::Outage
            | ErrorClass::Burst
            | ErrorClass::Minute
    )
}

const fn is_forbidden(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::NotEntitled | ErrorClass::DemoKey | ErrorClass::Day
    )
}

/// How a process is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// By a person: SIGINT.
    Interrupt,
    /// By its supervisor: SIGTERM.
    Terminate,
}

/// SIGINT and SIGTERM from now on; one that arrives while another is handled is not lost.
pub struct StopSignals(Option<(Signal, Signal)>);

impl StopSignals {
    pub fn new() -> Self {
        let both = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
        Self(both.ok())
    }

    /// Completes at the next one; never, if signals cannot be received.
    pub async fn next(&mut self) -> Stop {
        match &mut self.0 {
            Some((interrupt, terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => Stop::Interrupt,
                    _ = terminate.recv() => Stop::Terminate,
                }
            }
            None => std::future::pending().await,
        }
    }
}

/// Gives work up at the first SIGINT or SIGTERM.
pub async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        stop = stop_signal() => Err(Failure::Stopped(stop)),
    }
}

/// A token that the first SIGINT or SIGTERM cancels.
pub fn cancelled_by_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        stop_signal().await;
        cancelled.cancel();
    });
    token
}

/// Ends the work at once on the second SIGINT or SIGTERM.
pub async fn unless_forced(work: impl Future<Output = u8>) -> u8 {
    let forced = async {
        let mut signals = StopSignals::new();
        signals.next().await;
        signals.next().await;
    };
    tokio::select! {
        // Work registers its handlers first: from then on no signal ends the process by default, and
        // one that only this function received would be lost.
        biased;
        code = work => code,
        () = forced => INTERRUPTED,
    }
}

/// Completes at SIGINT or SIGTERM.
pub async fn stop_signal() -> Stop {
    StopSignals::new().next().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, SeriesKey};

    fn code(ends: &[Option<ErrorClass>]) -> u8 {
        let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let reports: Vec<SeriesReport> = ends
            .iter()
            .map(|end| {
                let report = SeriesReport::new(series.clone(), SeriesStatus::Succeeded);
                match end {
                    None => report,
                    Some(class) => report.with_error(SeriesStatus::Failed, *class, "why"),
                }
            })
            .collect();
        of_series(&reports)
    }

    #[test]
    fn codes_say_what_a_script_can_do_about_it() {
        use ErrorClass::{
            BadKey, BadRequest, Burst, Database, Day, DemoKey, Malformed, Network, NotEntitled,
        };
        assert_eq!(code(&[]), DONE);
        assert_eq!(code(&[None, None]), DONE);
        assert_eq!(code(&[None, Some(BadRequest)]), SOME);
        assert_eq!(code(&[Some(Network), Some(Burst), Some(Database)]), PASSING);
        assert_eq!(
            code(&[Some(NotEntitled), Some(DemoKey), Some(Day)]),
            FORBIDDEN
        );
        assert_eq!(code(&[Some(NotEntitled), Some(Network)]), SOME);
        assert_eq!(code(&[Some(Malformed)]), SOME);
        assert_eq!(code(&[Some(BadKey), Some(BadKey)]), USAGE);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        assert!(matches!(
            Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)),
            Failure::Closed
        ));
    }
}
