//! What a key's plan is known to include, and which series may start next: pure decisions.

use std::collections::BTreeSet;

use super::source::Refusal;
use crate::db::Entitlement;
use crate::model::{ErrorClass, Request, Symbol};

/// Series that must find the provider down before the others are no longer fetched.
const DOWN: u32 = 3;

/// What is known about the key so far, from earlier runs and from this one.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    entitlements: Vec<Entitlement>,
    /// Set when no more requests are to be sent in this run.
    stopped: Option<(ErrorClass, String)>,
    /// Series in a row that found the provider down.
    down: u32,
}

/// What one finished series teaches about the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// Nothing.
    Nothing,
    /// The plan includes the endpoint.
    Granted(String),
    /// The plan refuses an endpoint or a parameter.
    Refused(Entitlement),
    /// The provider is down or cannot be reached: one series may be unlucky, three in a row are not.
    Down(ErrorClass, String),
    /// Any other request now would end the same way.
    Stop(ErrorClass, String),
}

/// What to do with a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Fetch it.
    Go,
    /// Wait until a request of the same endpoint has shown whether the plan includes it.
    Wait,
    /// Do not fetch it: this class and text say why.
    Refuse(ErrorClass, String),
}

impl Learned {
    /// Starts from what the store remembers.
    #[must_use]
    pub const fn new(entitlements: Vec<Entitlement>) -> Self {
        Self {
            entitlements,
            stopped: None,
            down: 0,
        }
    }

    /// Learns from a finished series.
    pub fn learn(&mut self, lesson: Lesson) {
        self.down = match lesson {
            Lesson::Down(..) => self.down + 1,
            _ => 0,
        };
        match lesson {
            Lesson::Down(class, text) if self.down >= DOWN => {
                self.stopped = self.stopped.take().or(Some((class, text)));
            }
            Lesson::Nothing | Lesson::Down(..) => {}
            Lesson::Granted(endpoint) => self.entitlements.push(Entitlement {
                endpoint,
                parameter: String::new(),
                granted: true,
                message: None,
            }),
            Lesson::Refused(refused) => self.entitlements.push(refused),
            Lesson::Stop(class, text) => self.stopped = self.stopped.take().or(Some((class, text))),
        }
    }

    /// Whether the endpoint has ever returned data.
    #[must_use]
    pub fn is_proven(&self, endpoint: &str) -> bool {
        self.about(endpoint).any(|known| known.granted)
    }

    /// Why the provider does not accept a symbol, whatever is asked about it.
    #[must_use]
    pub fn unaccepted(&self, symbol: &Symbol) -> Option<Refusal> {
        let mut known = self.about(Entitlement::SYMBOL);
        let known = known.find(|known| known.parameter == symbol.as_str())?;
        let said = known.message.as_deref().unwrap_or_default();
        let text = format!(
            "the provider does not accept {symbol} ({said}); change it, or it is asked for again after \
             a month"
        );
        Some(Refusal::new(ErrorClass::BadRequest, text))
    }

    fn about<'a>(&'a self, endpoint: &'a str) -> impl Iterator<Item = &'a Entitlement> {
        self.entitlements
            .iter()
            .filter(move |known| known.endpoint == endpoint)
    }

    /// Decides about a request while others are in flight for `busy` endpoints.
    #[must_use]
    pub fn verdict(&self, request: &Request, busy: &BTreeSet<&str>) -> Verdict {
        if let Some((class, text)) = &self.stopped {
            return Verdict::Refuse(*class, text.clone());
        }
        let endpoint = request.endpoint.as_str();
        let proven = self.is_proven(endpoint);
        let refused = self.about(endpoint).find(|known| {
            !known.granted
                && if known.parameter.is_empty() {
                    !proven
                } else {
                    request.parameters.iter().any(|(name, value)| {
                        known.parameter.split_once('=') == Some((name.as_str(), value.as_str()))
                    })
                }
        });
        match refused {
            Some(known) => Verdict::Refuse(
                ErrorClass::NotEntitled,
                known.message.clone().unwrap_or_default(),
            ),
            None if !proven && busy.contains(endpoint) => Verdict::Wait,
            None => Verdict::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, SeriesKey, SourceId};

    #[test]
    fn three_in_a_row_that_find_the_provider_down_speak_for_all() {
        let down = || Lesson::Down(ErrorClass::Outage, "down".to_owned());
        let question = ask("D", &[]);
        let mut learned = Learned::new(vec![]);
        for lesson in [down(), down(), Lesson::Nothing, down(), down()] {
            learned.learn(lesson);
            assert_eq!(learned.verdict(&question, &BTreeSet::new()), Verdict::Go);
        }
        learned.learn(down());
        assert_eq!(
            learned.verdict(&question, &BTreeSet::new()),
            Verdict::Refuse(ErrorClass::Outage, "down".to_owned())
        );
    }

    fn ask(endpoint: &str, pairs: &[(&str, &str)]) -> Request {
        Request {
            source: SourceId::DEFAULT,
            endpoint: endpoint.to_owned(),
            parameters: pairs
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            series: vec![SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily)],
            riders: vec![],
            page: 1,
        }
    }

    fn refused(endpoint: &str, parameter: &str) -> Lesson {
        let (endpoint, parameter) = (endpoint.into(), parameter.into());
        Lesson::Refused(Entitlement {
            endpoint,
            parameter,
            granted: false,
            message: Some("premium".into()),
        })
    }

    #[test]
    fn the_first_request_of_an_unproven_endpoint_goes_alone() {
        let (daily, mut learned) = (ask("D", &[]), Learned::default());
        let busy = BTreeSet::from(["D"]);
        assert_eq!(learned.verdict(&daily, &BTreeSet::new()), Verdict::Go);
        assert_eq!(learned.verdict(&daily, &busy), Verdict::Wait);
        assert_eq!(learned.verdict(&ask("W", &[]), &busy), Verdict::Go);
        learned.learn(Lesson::Granted("D".into()));
        assert_eq!(learned.verdict(&daily, &busy), Verdict::Go);
    }

    #[test]
    fn a_refused_endpoint_is_parked_unless_it_ever_answered() {
        let (daily, mut learned) = (ask("D", &[]), Learned::default());
        learned.learn(refused("D", ""));
        let parked = Verdict::Refuse(ErrorClass::NotEntitled, "premium".into());
        assert_eq!(learned.verdict(&daily, &BTreeSet::new()), parked);
        learned.learn(Lesson::Granted("D".into()));
        assert_eq!(learned.verdict(&daily, &BTreeSet::new()), Verdict::Go);
    }

    #[test]
    fn a_refused_parameter_parks_only_questions_that_carry_it() {
        let mut learned = Learned::default();
        learned.learn(Lesson::Granted("D".into()));
        learned.learn(refused("D", "outputsize=full"));
        let full = ask("D", &[("outputsize", "full")]);
        assert!(matches!(
            learned.verdict(&full, &BTreeSet::new()),
            Verdict::Refuse(..)
        ));
        let compact = ask("D", &[("outputsize", "compact")]);
        assert_eq!(learned.verdict(&compact, &BTreeSet::new()), Verdict::Go);
    }

    #[test]
    fn a_stop_refuses_everything_with_the_first_reason() {
        let mut learned = Learned::default();
        learned.learn(Lesson::Stop(ErrorClass::Day, "spent".into()));
        learned.learn(Lesson::Stop(ErrorClass::Database, "gone".into()));
        let verdict = learned.verdict(&ask("D", &[]), &BTreeSet::new());
        assert_eq!(verdict, Verdict::Refuse(ErrorClass::Day, "spent".into()));
    }
}
