//! The panel's state and what each key does: values in, effects out. No terminal, no clock.

mod availability;
mod edits;
mod palette;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::action::{Action, Effect, EffectOutcome};
use super::alerts;
use super::backfill;
use super::export;
use super::first;
use super::keymap::binding::{Binding, KeyContext};
use super::keymap::chord::{self, Chord, KeyCap, Named};
use super::log_lines::LogLine;
use super::messages::Messages;
use super::overlays::{Overlay, Prompt};
use super::regions::{ClickTarget, Regions};
use super::reply::{Confirm, PromptKind, Reply};
use super::shared::{Boot, Shared};
use super::text;
use super::ticks;
use super::view::{Sight, View};
use super::view_id::ViewId;
use super::views::Views;
use super::views::system::Section;
use crate::config::SourceSettings;
use crate::model::{SeriesKey, SourceId};
use crate::pipeline::command::Command;
use crate::pipeline::narrate::{self, Severity};
use crate::pipeline::notice::{Notice, What};
use crate::pipeline::snapshot::{Snapshot, SourceStatus};

/// The panel.
#[derive(Debug)]
pub struct App {
    /// What every view sees.
    pub shared: Shared,
    /// The view on the screen.
    pub view: ViewId,
    /// What is drawn over it.
    pub overlay: Option<Overlay>,
    /// Every view.
    pub views: Views,
    /// Past messages.
    pub messages: Messages,
    /// Set once the user quits and something is still being written.
    pub is_leaving: bool,
    /// Set where the demo follows.
    pub goes_to_demo: bool,
    /// Whether the ways to begin were shown.
    was_offered: bool,
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
            views: Views::default(),
            is_leaving: false,
            goes_to_demo: false,
            was_offered: false,
        }
    }

    /// The context that a key applies to now.
    #[must_use]
    pub const fn context(&self) -> KeyContext {
        match &self.overlay {
            Some(overlay) => overlay.context(),
            None => KeyContext::View(self.view),
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
            let esc = Chord::plain(KeyCap::Named(Named::Esc));
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
            let key = chord::shown(chord);
            self.messages
                .hint(format!("{key} does nothing here; ? shows the keys"), now);
            return vec![];
        };
        let replies = overlay.key(chord);
        self.apply(replies, now)
    }

    /// Handles pasted text: it is inserted where text is entered, and ignored elsewhere.
    pub fn paste(&mut self, text: &str, now: DateTime<Utc>) -> Vec<Effect> {
        let Some(overlay) = &mut self.overlay else {
            self.messages
                .hint("nothing here accepts text; the paste was ignored", now);
            return vec![];
        };
        let replies = overlay.paste(text, &self.shared);
        self.apply(replies, now)
    }

    /// Runs an action, if it is available.
    pub fn act(&mut self, action: Action, now: DateTime<Utc>) -> Vec<Effect> {
        if let Some(reason) = self.why_not(action, self.view, now) {
            self.messages.warn(reason, now);
            return vec![];
        }
        self.update(action, now)
    }

    /// Why an action is not available in a view now. An overlay takes every action.
    #[must_use]
    pub fn why_not(&self, action: Action, view: ViewId, now: DateTime<Utc>) -> Option<String> {
        if self.overlay.is_some() {
            return None;
        }
        availability::why_not(action, view, &self.views, &self.shared, now)
    }

    /// Whether what a row of the key table does is available in this view now.
    #[must_use]
    pub fn is_ready(&self, binding: &Binding, now: DateTime<Utc>) -> bool {
        let hinders = availability::hinders;
        self.overlay.is_some()
            || hinders(binding, self.view, &self.views, &self.shared, now).is_none()
    }

    /// The view on the screen.
    #[must_use]
    pub const fn shown(&self) -> &dyn View {
        self.views.get(self.view)
    }

    /// The source that concerns the person now: that of the selected series, or of all if they have
    /// one; otherwise the usual one.
    #[must_use]
    pub fn source(&self) -> Option<&SourceStatus> {
        let snapshot = self.shared.snapshot.as_ref()?;
        let id = match self.shared.watched_sources().as_slice() {
            [] => return snapshot.source(self.shared.chosen_sources().first()?),
            [only] => Some((*only).clone()),
            _ => self.shown().leave(&self.shared).map(|series| series.source),
        };
        let found = id.and_then(|id| snapshot.source(&id));
        found.or(snapshot.sources.first())
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
            return self.apply(replies, now);
        }
        if let Some(view) = ViewId::of(action) {
            return self.go(view);
        }
        match action {
            Action::Quit => self.leave(now),
            Action::Suspend => vec![Effect::Suspend],
            Action::Redraw => vec![Effect::Redraw],
            Action::GoSource => self.go_to_section(Section::Source("")),
            Action::GoEngines => self.go_to_section(Section::Engines),
            Action::GoStore => self.go_to_section(Section::Store),
            Action::GoSettings => self.go_to_section(Section::Settings),
            Action::Palette => {
                self.open_palette(now);
                vec![]
            }
            Action::Help => self.open(Overlay::help(&self.shared.keymap, self.view)),
            Action::Messages => self.open(Overlay::messages(&self.messages, self.shared.zone)),
            Action::Alerts => self.open(Overlay::explain(alerts::page(&self.shared))),
            Action::Ticks => self.open(ticks::page(&self.shared, now)),
            Action::TestAlert => vec![Effect::Send(Command::TestAlert)],
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
            Action::Filter => {
                let prompt = Prompt::new(
                    PromptKind::Filter,
                    self.shown().filter().unwrap_or_default(),
                );
                self.overlay = Some(Overlay::Prompt(prompt));
                vec![]
            }
            Action::Undo => self.undo(now),
            Action::Zone => {
                self.shared.next_zone();
                let say = format!("times are in {}", text::zone_name(self.shared.zone));
                self.messages.say(say, now);
                vec![]
            }
            Action::Cancel => self.open(Overlay::Confirm(cancel())),
            Action::CancelExport => {
                let confirm = self.shared.export().map(export::cancel);
                self.overlay = confirm.map(Overlay::Confirm);
                vec![]
            }
            Action::Ways => self.open(Overlay::explain(first::ways(&self.shared))),
            Action::Begin => {
                let replies = first::begin(&self.shared, now);
                self.apply(replies, now)
            }
            Action::Demo if self.shared.is_demo => {
                self.messages.say("this is the demo", now);
                vec![]
            }
            Action::Demo => {
                self.goes_to_demo = true;
                self.leave(now)
            }
            Action::SaveKey => {
                let keys = self.shared.entered.iter();
                keys.cloned().map(Effect::SaveKey).collect()
            }
            _ => {
                let view = owner(action).unwrap_or(self.view);
                let replies = self.views.get_mut(view).update(action, &self.shared, now);
                self.apply(replies, now)
            }
        }
    }

    fn open(&mut self, overlay: Overlay) -> Vec<Effect> {
        self.overlay = Some(overlay);
        vec![]
    }

    fn go_to_section(&mut self, section: Section) -> Vec<Effect> {
        self.views.system.go(section, &self.shared);
        self.go(ViewId::System)
    }

    /// Rereads what is shown and out of date.
    pub fn refresh(&mut self, now: DateTime<Utc>) -> Option<Effect> {
        let view = self.views.get_mut(self.view);
        view.refresh(&self.shared, now).map(Effect::Send)
    }

    fn go(&mut self, view: ViewId) -> Vec<Effect> {
        let series = self.shown().leave(&self.shared);
        self.enter(view, series)
    }

    fn enter(&mut self, view: ViewId, series: Option<SeriesKey>) -> Vec<Effect> {
        self.view = view;
        let command = self.views.get_mut(view).enter(series, &self.shared);
        command.map(Effect::Send).into_iter().collect()
    }

    /// Turns the replies of a view or an overlay into effects.
    fn apply(&mut self, replies: Vec<Reply>, now: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = vec![];
        for reply in replies {
            match reply {
                Reply::Do(effect) => effects.push(effect),
                Reply::Say(text) => self.messages.say(text, now),
                Reply::Warn(text) => self.messages.warn(text, now),
                Reply::Prompt(kind, text) => {
                    self.overlay = Some(Overlay::Prompt(Prompt::new(kind, &text)));
                }
                Reply::Confirm(confirm) => self.overlay = Some(Overlay::Confirm(confirm)),
                Reply::Price(question) => {
                    self.overlay = Some(Overlay::Price(question.clone()));
                    effects.push(Effect::Send(Command::Price(question)));
                }
                Reply::Explain(explanation) => {
                    self.overlay = Some(Overlay::explain(explanation));
                }
                Reply::Go(view) => effects.extend(self.go(view)),
                Reply::Bars(series) => effects.extend(self.enter(ViewId::Bars, Some(series))),
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
                    let begin = first::after_key(&key.source, &self.shared, now);
                    let entered = &mut self.shared.entered;
                    entered.retain(|other| other.source != key.source);
                    entered.push(key.clone());
                    self.messages.say(
                        "the key is used until you quit; \"Save the key\" in the palette (:) saves it",
                        now,
                    );
                    effects.push(Effect::Send(Command::SetKey(key)));
                    effects.extend(self.apply(begin, now));
                }
                Reply::GoTo(at) => {
                    let command = self.views.bars.go_to(at, &self.shared);
                    effects.extend(command.map(Effect::Send));
                }
                Reply::Filter(text) => self.views.get_mut(self.view).set_filter(&text),
            }
        }
        effects
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
        let now = snapshot.taken_at;
        self.shared.boot = Boot::Ready;
        let news = alerts::news(self.shared.snapshot.as_deref(), &snapshot);
        let news = news.filter(|_| self.shared.rings);
        self.shared.snapshot = Some(snapshot);
        let mut replies = vec![];
        for view in ViewId::all() {
            let sight = match &self.overlay {
                _ if view != self.view => Sight::Hidden,
                Some(_) => Sight::Covered,
                None => Sight::Open,
            };
            replies.extend(self.views.get_mut(view).observe(&self.shared, sight));
        }
        let mut effects = self.apply(replies, now);
        effects.extend(news.map(Effect::Notify));
        if let Some(question) = self.priced(now) {
            self.overlay = None;
            effects.extend(self.apply(vec![question], now));
        }
        if !self.was_offered && self.overlay.is_none() && first::is_first(&self.shared) {
            self.was_offered = true;
            self.overlay = Some(Overlay::explain(first::ways(&self.shared)));
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.observe(&self.shared);
        }
        effects
    }

    /// The question whose price was being counted, once it is known.
    fn priced(&self, now: DateTime<Utc>) -> Option<Reply> {
        let Some(Overlay::Price(asked)) = &self.overlay else {
            return None;
        };
        let preview = self.shared.snapshot.as_ref()?.preview.as_deref()?;
        (preview.question == *asked).then(|| backfill::question(preview, now))
    }

    /// Adds a line to the log.
    pub fn log(&mut self, line: LogLine) {
        self.views.log.arrived(&line);
        self.shared.log.push(line);
    }

    /// Handles a notice; returns its line for the log.
    pub fn notice(&mut self, notice: &Notice, now: DateTime<Utc>) -> Option<(Severity, String)> {
        match &notice.what {
            What::Refused(command, reason) => {
                if matches!(command, Command::EditList(_)) {
                    self.shared.undos.pop();
                    self.views.overview.awaited = None;
                }
                self.messages
                    .warn(format!("{}: {reason}", narrate::refused(command)), now);
            }
            What::Rest { .. } => {
                if let Some((_, sentence)) = narrate::sentence(notice) {
                    self.messages.say(sentence, now);
                }
            }
            What::Exported(exported) => {
                let say = narrate::export(exported, &text::shown_path(&exported.place));
                match exported.cut_short {
                    None => self.messages.say(self.with_warning(say), now),
                    Some(_) => self.messages.warn(say, now),
                }
            }
            _ => {}
        }
        narrate::sentence(notice)
    }

    /// A command did not reach the engine: what was requested will not come.
    pub fn not_sent(&mut self) {
        for view in ViewId::all() {
            self.views.get_mut(view).forget();
        }
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
    pub fn done(&mut self, outcome: EffectOutcome, now: DateTime<Utc>) {
        match outcome {
            EffectOutcome::Saved(path) => self.saved("saved as", &path, now),
            EffectOutcome::Imported(path, bytes) => self.imported(&path, &bytes, now),
            EffectOutcome::Copied { path, why } => {
                let say = self.saved_at("saved as", &path);
                self.messages.warn(format!("{say}: {why}"), now);
            }
            EffectOutcome::KeySaved(source, path) => self.key_saved(&source, &path, now),
            EffectOutcome::Failed(reason) => self.messages.warn(reason, now),
        }
    }

    fn key_saved(&mut self, source: &SourceId, path: &std::path::Path, now: DateTime<Utc>) {
        self.shared.entered.retain(|key| key.source != *source);
        let path = text::shown_path(path);
        let saved = self.shared.source(source).map(|of| of.settings);
        let section = saved.map(SourceSettings::section);
        let all = self.shared.about.sources.iter_mut();
        let mut before = None;
        for known in all.filter(|known| Some(known.settings.section()) == section) {
            let origin = format!("saved by the panel in {path}");
            let origin = std::mem::replace(&mut known.key_origin, origin);
            before = Some((known.key_is_set, origin));
        }
        if let Some((true, before)) = before {
            let say = format!(
                "the key is saved in {path}, but the next start still uses the other one ({before}): remove that"
            );
            self.messages.warn(say, now);
        } else {
            let say = format!("the key is saved in {path}, readable only by you");
            self.messages.say(say, now);
        }
    }

    fn saved(&mut self, what: &str, path: &std::path::Path, now: DateTime<Utc>) {
        let say = self.saved_at(what, path);
        self.messages.say(say, now);
    }

    /// Where something was saved, with a warning about that place if there is one.
    fn saved_at(&self, what: &str, path: &std::path::Path) -> String {
        self.with_warning(format!("{what} {}", text::shown_path(path)))
    }

    /// A sentence about a new file, with the warning about files there if there is one.
    fn with_warning(&self, say: String) -> String {
        match &self.shared.exports_warning {
            Some(warning) => format!("{say} ({warning})"),
            None => say,
        }
    }

    /// Takes the layout of the screen.
    pub fn laid_out(&mut self, regions: &Regions) -> Option<Effect> {
        let view = self.views.get_mut(self.view);
        view.laid_out(regions, &self.shared).map(Effect::Send)
    }

    /// Handles a click at a position on the screen.
    pub fn click(&mut self, target: ClickTarget, now: DateTime<Utc>) -> Vec<Effect> {
        match target {
            ClickTarget::View(view) => {
                self.overlay = None;
                self.go(view)
            }
            ClickTarget::Hint(action) => self.act(action, now),
            ClickTarget::Row(row) if self.overlay.is_none() => {
                let view = self.views.get_mut(self.view);
                let replies = view.select(row, &self.shared);
                self.apply(replies, now)
            }
            ClickTarget::Row(_) => vec![],
        }
    }

    /// Whether the screen shows a countdown or an age that changes every second.
    #[must_use]
    pub fn ticks(&self) -> bool {
        self.shared.snapshot.is_some() || self.shared.boot != Boot::Opening
    }
}

/// The view that carries out an action wherever it is asked for: the watch list and what fetches it are
/// the overview's.
const fn owner(action: Action) -> Option<ViewId> {
    match action {
        Action::FetchDue
        | Action::Add
        | Action::Pause
        | Action::Schedule
        | Action::EnterKey
        | Action::ImportList
        | Action::ExportList => Some(ViewId::Overview),
        _ => None,
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
