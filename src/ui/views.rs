//! The state of each view, one row each, and the table of keys with those of every view.

pub mod bars;
pub mod coverage;
pub mod log;
pub mod overview;
pub mod plan;
pub mod runs;
pub mod system;

use super::keymap::{Keymap, binding::Binding, table};
use super::view::View;
use super::view_id::ViewId;

/// Each row: the view, its field, and its state.
macro_rules! views {
    ($($(#[$about:meta])* $view:ident: $field:ident = $state:ty;)*) => {
        /// The views.
        #[derive(Debug, Default)]
        pub struct Views {
            $($(#[$about])* pub $field: $state,)*
        }

        impl Views {
            /// A view.
            #[must_use]
            pub const fn get(&self, view: ViewId) -> &dyn View {
                match view {
                    $(ViewId::$view => &self.$field,)*
                }
            }

            /// A view, to be changed.
            pub const fn get_mut(&mut self, view: ViewId) -> &mut dyn View {
                match view {
                    $(ViewId::$view => &mut self.$field,)*
                }
            }
        }

        const fn keys(view: ViewId) -> &'static [Binding] {
            match view {
                $(ViewId::$view => $field::KEYS,)*
            }
        }
    };
}

views! {
    /// The watch list.
    Overview: overview = overview::Overview;
    /// A series.
    Bars: bars = bars::Bars;
    /// What there is of each series.
    Coverage: coverage = coverage::HeatMap;
    /// What is asked for next.
    Plan: plan = plan::PlanView;
    /// The runs.
    Runs: runs = runs::Runs;
    /// The log.
    Log: log = log::LogView;
    /// The system.
    System: system = system::System;
}

/// The one table of keys: those of each view, then all others. Dispatch, footer, help, palette,
/// `keys --markdown` and the documents come from it.
#[must_use]
pub fn keymap() -> Keymap {
    let views = ViewId::all().flat_map(keys);
    Keymap::new(views.copied().chain(table::rows()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::binding::KeyContext;

    #[test]
    fn the_number_of_a_view_is_its_key() {
        let keymap = keymap();
        for view in ViewId::all() {
            let key = keymap.key_of(KeyContext::Global, view.action());
            assert_eq!(key, view.number().to_string(), "{view:?}");
        }
    }

    #[test]
    fn keys_of_a_view_are_those_of_its_own_context() {
        for view in ViewId::all() {
            for row in keys(view) {
                assert_eq!(row.context, KeyContext::View(view), "{}", row.title);
            }
        }
    }
}
