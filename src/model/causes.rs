//! An error together with what is behind it, as one line for the log. A person reads the error's own
//! sentence instead.

use std::error::Error;
use std::fmt;
use std::io;

type Dyn<'a> = &'a (dyn Error + 'static);

/// Writes an error and its causes, outermost first, without what the text before already ends with.
#[derive(Debug)]
pub struct Causes<'a>(pub Dyn<'a>);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = String::new();
        for cause in causes(self.0) {
            let text = cause.to_string();
            if before.is_empty() {
                f.write_str(&text)?;
            } else if !before.ends_with(&text) {
                write!(f, ": {text}")?;
            } else {
                continue;
            }
            before = text;
        }
        Ok(())
    }
}

/// An error and all its causes; what an I/O error wraps is not among its sources.
pub fn causes(error: Dyn<'_>) -> impl Iterator<Item = Dyn<'_>> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as Dyn<'_>),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<dyn Error + Send + Sync>>);

    #[test]
    fn every_cause_is_written_once_also_behind_an_io_error() {
        let inmost = Link("no such host", None);
        let wrapped = io::Error::other(Link("lookup failed", Some(Box::new(inmost))));
        let sentence = Link("the store is away", Some(Box::new(wrapped)));
        assert_eq!(
            Causes(&sentence).to_string(),
            "the store is away: lookup failed: no such host"
        );
        let driver = Link("I/O: disk full", Some(Box::new(Link("disk full", None))));
        let sentence = Link("no space is left", Some(Box::new(driver)));
        assert_eq!(
            Causes(&sentence).to_string(),
            "no space is left: I/O: disk full"
        );
        assert_eq!(Causes(&Link("alone", None)).to_string(), "alone");
    }
}
