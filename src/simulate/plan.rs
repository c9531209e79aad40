//! What a key may request.

use crate::model::words::words;

words! {
    /// The providers' plans. A dialect that has fewer takes the nearest: `free` has its limits,
    /// `premium` those of its paid plan, `unlimited` none.
    pub enum Plan {
        /// Documented requests with the key `demo`, nothing else.
        Demo = "demo",
        /// What costs nothing, with its limits.
        Free = "free",
        /// Everything, within the limits of a paid plan.
        Premium = "premium",
        /// Everything without limits.
        Unlimited = "unlimited",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_words() {
        assert_eq!("free".parse(), Ok(Plan::Free));
        assert_eq!(Plan::Unlimited.to_string(), "unlimited");
    }
}
