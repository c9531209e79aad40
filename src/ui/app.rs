//! The panel's state and what each key does: values in, effects out. No terminal, no clock.

mod about;
pub mod availability;
mod edits;
mod messages;
mod palette;
pub mod shared;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::about::About;
pub use self::edits::Edit;
pub use self::messages::{Message, Messages};
pub use self::shared::{Boot, Shared};
use super::action::{Action, Effect, Outcome};
use super::frame::{Regions, Target};
use super::keymap::Context;
use super::keymap::chord::{Chord, Key, Named};
use super::overlays::Confirm;
use super::overlays::Overlay;
use super::views::system::{Section, System};
use super::views::{Reply, ViewId, bars::Bars, log::Log, overview::Overview, runs::Runs};
use crate::pipeline::command::Command;
use crate::pipeline::narrate::{self, Severity};
use crate::pipeline::notice::{Notice, What};
use crate::pipeline::snapshot::Snapshot;

/// The panel.
#[derive(Debug)]
pub struct App {
    /// What every view sees.
    pub shared: Shared,
    /// The view on the screen.
    pub view: ViewId,
    /// What is drawn over it.
    pub overlay: Option<Overlay>,
    /// The overview.
    pub overview: Overview,
    /// The bars.
    pub bars: Bars,
    /// The runs.
    pub runs: Runs,
    /// The log.
    pub log: Log,
    /// The system.
    pub system: System,
    /// Past messages.
    pub messages: Messages,
    /// Set once the user quits and something is still being written.
    pub is_leaving: bool,
}

impl App {
    /// Starts on the overview, before there is an engine.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self {
            messages: Messages::at_speed(shared.speed),
            shared,
            view: ViewId::Overview,
            overlay: None,
            overview: Overview::default(),
            bars: Bars::default(),
            runs: Runs::default(),
            log: Log::default(),
            system: System::default(),
            is_leaving: false,
        }
    }

    /// The context that a key applies to now.
    #[must_use]
    pub const fn context(&self) -> Context {
        match &self.overlay {
            Some(overlay) => overlay.context(),
            None => self.view.context(),
        }
    }

    /// What a key does.
    pub fn press(&mut self, chord: Chord, now: DateTime<Utc>) -> Vec<Effect> {
        self.messages.seen();
        let context = self.context();
        if let Some(action) = self.shared.keymap.action(context, chord) {
            return self.act(action, now);
        }
        if chord.alt && context.takes_text() {
            return vec![];
        }
        if chord.alt {
            // Terminals send Esc and a key right after it as one key with Alt.
            let esc = Chord::plain(Key::Named(Named::Esc));
            let mut effects = self.press(esc, now);
            effects.extend(self.press(
                Chord {
                    alt: false,
                    ..chord
                },
                now,
            ));
            return effects;
        }
        let Some(overlay) = &mut self.overlay else {
            let key = super::keymap::chord::shown(chord);
            self.messages
                .hint(format!("{key} does nothing here; ? shows the keys"), now);
            return vec![];
        };
        let replies = overlay.key(chord);
        self.carry_out(replies, now)
    }

    /// Handles pasted text: it is inserted where text is entered, and ignored elsewhere.
    pub fn paste(&mut self, text: &str, now: DateTime<Utc>) -> Vec<Effect> {
        let Some(overlay) = &mut self.overlay else {
            self.messages
                .hint("nothing here accepts text; the paste was ignored", now);
            return vec![];
        };
        let replies = overlay.paste(text, &self.shared);
        self.carry_out(replies, now)
    }

    /// Runs an action, if it is available.
    pub fn act(&mut self, action: Action, now: DateTime<Utc>) -> Vec<Effect> {
        if let Some(reason) = availability::of(action, self.view, self, now).reason() {
            self.messages.warn(reason.to_owned(), now);
            return vec![];
        }
        self.update(action, now)
    }

    fn update(&mut self, action: Action, now: DateTime<Utc>) -> Vec<Effect> {
        if let Some(mut overlay) = self.overlay.take() {
            if action == Action::Quit {
                return self.leave(now);
            }
            let (stays, replies) = overlay.update(action, &self.shared);
            if stays {
                self.overlay = Some(overlay);
            }
            return self.carry_out(replies, now);
        }
        match action {
            Action::Quit => self.leave(now),
            Action::Suspend => vec![Effect::Suspend],
            Action::Redraw => vec![Effect::Redraw],
            Action::ViewOverview => self.go(ViewId::Overview),
            Action::ViewBars => self.go(ViewId::Bars),
            Action::ViewRuns => self.go(ViewId::Runs),
            Action::ViewLog => self.go(ViewId::Log),
            Action::ViewSystem => self.go(ViewId::System),
            Action::GoSource => self.go_to_section(Section::Source),
            Action::GoStore => self.go_to_section(Section::Store),
            Action::GoSettings => self.go_to_section(Section::Settings),
            Action::Palette => {
                self.open_palette(now);
                vec![]
            }
            Action::Help => {
                self.overlay = Some(Overlay::help(&self.shared.keymap, self.view));
                vec![]
            }
            Action::Messages => {
                self.overlay = Some(Overlay::messages(&self.messages, self.shared.zone));
                vec![]
            }
            Action::Mouse => {
                self.shared.mouse = !self.shared.mouse;
                let say = if self.shared.mouse {
                    "mouse on: click and scroll; hold Shift to select text"
                } else {
                    "mouse off: the terminal selects text again"
                };
                self.messages.say(say, now);
                vec![Effect::Mouse(self.shared.mouse)]
            }
            Action::Theme => {
                self.shared.theme = self.shared.theme.next();
                let say = format!("theme: {}", self.shared.theme.preset());
                self.messages.say(say, now);
                vec![]
            }
            Action::Undo => self.undo(now),
            Action::Zone => {
                self.shared.next_zone();
                let say = format!("times are in {}", super::text::zone_name(self.shared.zone));
                self.messages.say(say, now);
                vec![]
            }
            Action::Cancel => {
                self.overlay = Some(Overlay::Confirm(cancel()));
                vec![]
            }
            Action::SaveKey => {
                let key = self.shared.entered_key.clone();
                key.map(Effect::SaveKey).into_iter().collect()
            }
            _ => {
                let replies = self.update_view(action, now);
                self.carry_out(replies, now)
            }
        }
    }

    fn update_view(&mut self, action: Action, now: DateTime<Utc>) -> Vec<Reply> {
        let is_of_the_list = matches!(
            action,
            Action::FetchDue
                | Action::Add
                | Action::Pause
                | Action::Schedule
                | Action::EnterKey
                | Action::ImportList
                | Action::ExportList
        );
        match self.view {
            _ if is_of_the_list => self.overview.update(action, &self.shared, now),
            ViewId::Overview => self.overview.update(action, &self.shared, now),
            ViewId::Bars => self.bars.update(action, &mut self.shared, now),
            ViewId::Runs => self.runs.update(action, &self.shared, now),
            ViewId::Log => self.log.update(action, &self.shared),
            ViewId::System => self.system.update(action, &self.shared, now),
        }
    }

    fn go_to_section(&mut self, section: Section) -> Vec<Effect> {
        self.system.go(section);
        self.go(ViewId::System)
    }

    /// Rereads what is shown and out of date.
    pub fn refresh(&mut self, now: DateTime<Utc>) -> Option<Effect> {
        let is_due = self.view == ViewId::System && self.system.is_old(&self.shared, now);
        is_due.then_some(Effect::Send(Command::ShowSystem))
    }

    fn go(&mut self, view: ViewId) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.view, view);
        match view {
            ViewId::Bars => {
                // Coming from elsewhere, the last series is shown again.
                let selected = if before == ViewId::Overview {
                    self.overview.selected(&self.shared)
                } else {
                    None
                };
                let command = self.bars.enter(selected, &self.shared);
                command.map(Effect::Send).into_iter().collect()
            }
            ViewId::Log => {
                self.log.unseen = 0;
                vec![]
            }
            ViewId::System => {
                self.system.forget();
                vec![]
            }
            ViewId::Overview | ViewId::Runs => vec![],
        }
    }

    /// Turns the replies of a view or an overlay into effects.
    fn carry_out(&mut self, replies: Vec<Reply>, now: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = vec![];
        for reply in replies {
            match reply {
                Reply::Do(effect) => effects.push(effect),
                Reply::Say(text) => self.messages.say(text, now),
                Reply::Warn(text) => self.messages.warn(text, now),
                Reply::Ask(overlay) => self.overlay = Some(*overlay),
                Reply::Go(view) => effects.extend(self.go(view)),
                Reply::Bars(series) => {
                    self.view = ViewId::Bars;
                    let command = self.bars.enter(Some(series), &self.shared);
                    effects.extend(command.map(Effect::Send));
                }
                Reply::Close(action) => {
                    self.overlay = None;
                    effects.extend(action.into_iter().flat_map(|action| self.act(action, now)));
                }
                Reply::Act(action) => effects.extend(self.act(action, now)),
                Reply::ActIn(view, action) => {
                    if view != self.view {
                        effects.extend(self.go(view));
                    }
                    effects.extend(self.act(action, now));
                }
                Reply::Change(change) => effects.push(self.change(change, now)),
                Reply::Key(key) => {
                    self.shared.entered_key = Some(key.clone());
                    self.messages.say(
                        "the key is used until you quit; \"Save the key\" in the palette (:) saves it",
                        now,
                    );
                    effects.push(Effect::Send(Command::SetKey(key)));
                }
                Reply::GoTo(at) => {
                    effects.extend(self.bars.go_to(at, &self.shared).map(Effect::Send));
                }
                Reply::Filter(text) => self.set_filter(&text),
            }
        }
        effects
    }

    fn set_filter(&mut self, text: &str) {
        match self.view {
            ViewId::Overview => self.overview.filter = String::from(text),
            ViewId::Runs => self.runs.filter = String::from(text),
            ViewId::Log => self.log.set_filter(text),
            ViewId::System => self.system.filter = String::from(text),
            ViewId::Bars => {}
        }
    }

    /// Quits at once if nothing is running; otherwise lets it finish, and quits on the second press.
    fn leave(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        self.overlay = None;
        if self.is_leaving {
            return vec![Effect::ForceQuit];
        }
        self.is_leaving = true;
        if self.shared.run().is_some() {
            let say =
                "stopping after the request in flight; what is stored is safe; q again stops now";
            self.messages.warn(say, now);
        }
        vec![Effect::Quit]
    }

    /// Takes a new snapshot.
    pub fn observe(&mut self, snapshot: Arc<Snapshot>) -> Vec<Effect> {
        self.shared.boot = Boot::Ready;
        self.shared.snapshot = Some(snapshot);
        self.overview.observe(&self.shared);
        let mut effects = self.runs.observe(&self.shared);
        if let Some(action) = self.runs.awaited(&self.shared)
            && self.view == ViewId::Runs
            && self.overlay.is_none()
        {
            let now = self
                .shared
                .snapshot
                .as_ref()
                .map(|snapshot| snapshot.taken_at);
            effects.extend(now.into_iter().flat_map(|now| self.act(action, now)));
        }
        if self.view == ViewId::Bars {
            effects.extend(self.bars.observe(&self.shared).map(Effect::Send));
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.observe(&self.shared);
        }
        effects
    }

    /// Handles a notice; returns its line for the log.
    pub fn notice(&mut self, notice: &Notice, now: DateTime<Utc>) -> Option<(Severity, String)> {
        match &notice.what {
            What::Refused(command, reason) => {
                if matches!(command, Command::EditList(_)) {
                    self.shared.edits.pop();
                    self.overview.awaited = None;
                }
                self.messages
                    .warn(format!("{}: {reason}", narrate::refused(command)), now);
            }
            What::Rest { .. } => {
                if let Some((_, sentence)) = narrate::sentence(notice) {
                    self.messages.say(sentence, now);
                }
            }
            What::Exported(path, bars) => {
                let bars = usize::try_from(*bars).unwrap_or(usize::MAX);
                let what = super::text::count(bars, "bar");
                self.saved(&format!("{what} written to"), path, now);
            }
            _ => {}
        }
        narrate::sentence(notice)
    }

    /// A command did not reach the engine: what was requested will not come.
    pub fn not_sent(&mut self) {
        self.bars.forget();
        self.runs.forget();
    }

    /// Updates the state of starting the engine.
    pub fn booting(&mut self, boot: Boot) {
        self.shared.boot = boot;
    }

    /// The engine ended unexpectedly.
    pub fn engine_stopped(&mut self, reason: String) {
        self.shared.stopped = Some(reason);
    }

    /// Handles the result of an effect.
    pub fn done(&mut self, outcome: Outcome, now: DateTime<Utc>) {
        match outcome {
            Outcome::Saved(path) => self.saved("saved as", &path, now),
            Outcome::Imported(path, bytes) => self.imported(&path, &bytes, now),
            Outcome::Copied { path, why } => {
                let say = self.saved_at("saved as", &path);
                self.messages.warn(format!("{say}: {why}"), now);
            }
            Outcome::KeySaved(path) => {
                self.shared.entered_key = None;
                let before = std::mem::replace(
                    &mut self.shared.about.key_source,
                    format!("saved by the panel in {}", super::shown_path(&path)),
                );
                let path = super::shown_path(&path);
                // What the next start reads first still wins.
                if before.is_empty() || before.starts_with("saved") {
                    let say = format!("the key is saved in {path}, readable only by you");
                    self.messages.say(say, now);
                } else {
                    let say = format!(
                        "the key is saved in {path}, but the next start still uses the other one ({before}): remove that"
                    );
                    self.messages.warn(say, now);
                }
            }
            Outcome::Failed(reason) => self.messages.warn(reason, now),
        }
    }

    fn saved(&mut self, what: &str, path: &std::path::Path, now: DateTime<Utc>) {
        let say = self.saved_at(what, path);
        self.messages.say(say, now);
    }

    /// Where something was saved, with a warning about that place if there is one.
    fn saved_at(&self, what: &str, path: &std::path::Path) -> String {
        let path = super::shown_path(path);
        match &self.shared.exports_warning {
            Some(warning) => format!("{what} {path} ({warning})"),
            None => format!("{what} {path}"),
        }
    }

    /// Takes the layout of the screen.
    pub fn laid_out(&mut self, regions: &Regions) -> Vec<Effect> {
        match self.view {
            ViewId::Overview => {
                self.overview.page = regions.page;
                let count = self.overview.rows(&self.shared).len();
                self.overview.cursor.keep_in_sight(count, regions.page);
            }
            ViewId::Runs => {
                let command = self.runs.laid_out(regions, &self.shared);
                return command.map(Effect::Send).into_iter().collect();
            }
            ViewId::Log => self.log.page = regions.page,
            ViewId::System => self.system.laid_out(regions),
            ViewId::Bars => {
                let command = self.bars.laid_out(regions, &self.shared);
                return command.map(Effect::Send).into_iter().collect();
            }
        }
        vec![]
    }

    /// Handles a click at a position on the screen.
    pub fn click(&mut self, target: Target, now: DateTime<Utc>) -> Vec<Effect> {
        match target {
            Target::View(view) => {
                self.overlay = None;
                self.go(view)
            }
            Target::Hint(action) => self.act(action, now),
            Target::Row(row) if self.overlay.is_none() => match self.view {
                ViewId::Overview => {
                    self.overview.select_row(row, &self.shared);
                    vec![]
                }
                ViewId::Bars => self.bars.select_row(row, &self.shared),
                ViewId::Runs => {
                    let replies = self.runs.select_row(row, &self.shared);
                    self.carry_out(replies, now)
                }
                ViewId::System => {
                    self.system.select(row);
                    vec![]
                }
                ViewId::Log => vec![],
            },
            Target::Row(_) => vec![],
        }
    }

    /// Whether the screen shows a countdown or an age that changes every second.
    #[must_use]
    pub fn ticks(&self) -> bool {
        self.shared.snapshot.is_some() || self.shared.boot != Boot::Opening
    }
}

/// The question before cancelling the current run.
fn cancel() -> Confirm {
    Confirm {
        question: "Cancel the current run?".to_owned(),
        detail: "A request in flight finishes; nothing else is sent.".to_owned(),
        then: vec![Command::CancelRun.into()],
    }
}
