//! Which views there are: one row for each. What names a view without its state uses this.

use super::action::Action;

/// Each row: its name, its number, the action that goes to it, and what people call it.
macro_rules! views {
    ($($(#[$about:meta])* $name:ident = $number:literal, $action:ident, $finds:literal;)*) => {
        /// A view.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ViewId {
            $($(#[$about])* $name,)*
        }

        impl ViewId {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn row(self) -> ViewRow {
                match self {
                    $(Self::$name => ViewRow {
                        number: $number,
                        key: &[stringify!($number)],
                        title: stringify!($name),
                        action: Action::$action,
                        goes: concat!("Go to ", stringify!($name)),
                        finds: $finds,
                    },)*
                }
            }
        }
    };
}

views! {
    /// The watch list and its state.
    Overview = 1, ViewOverview, "watch list home series";
    /// One series as a table and a chart.
    Bars = 2, ViewBars, "prices chart";
    /// What there is of each series, month by month.
    Coverage = 3, ViewCoverage, "heat map months holes gaps backfill complete missing ranges";
    /// What is asked for next, and why.
    Plan = 4, ViewPlan, "next queue planned order why safe until lost quota schedule";
    /// Past runs and how they ended.
    Runs = 5, ViewRuns, "history requests answers";
    /// What happened.
    Log = 6, ViewLog, "messages errors events";
    /// Where everything is, and the settings.
    System = 7, ViewSystem, "about version paths";
}

struct ViewRow {
    number: u8,
    key: &'static [&'static str],
    title: &'static str,
    action: Action,
    goes: &'static str,
    finds: &'static str,
}

impl ViewId {
    /// Every view, in the order of the tabs.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }

    /// The number on its tab. It never changes: the gaps are for future views.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.row().number
    }

    /// Its key: its number.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        self.row().key
    }

    /// Its name on its tab.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// The action that goes to it.
    #[must_use]
    pub const fn action(self) -> Action {
        self.row().action
    }

    /// What that action does, verb first.
    #[must_use]
    pub const fn goes(self) -> &'static str {
        self.row().goes
    }

    /// Other words that find it in the palette: what people call it.
    #[must_use]
    pub const fn finds(self) -> &'static str {
        self.row().finds
    }

    /// The view that an action goes to.
    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        Self::all().find(|view| view.action() == action)
    }
}
