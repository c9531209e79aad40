//! What a view reads from the store: a window of bars, an answer as text, sizes. No requests are
//! sent here.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::command::{Anchor, BarsWindow, PriceQuestion, Priced};
use super::filling::Pairs;
use super::run::Pipeline;
use super::snapshot::{AnswerView, BarsPage, Preview, RangesView, Scaled, SystemView};
use crate::config::secret;
use crate::db::{BarQuery, DbError, Order, RunDetail, Store, StoredAnswer};
use crate::model::ranges::{holes, stretches};
use crate::model::tick::{FAR_AHEAD, NotedTick};
use crate::model::{Bar, RequestId, RunId, RunSummary, SeriesKey, Span, text};

/// Instants of the schedule that a snapshot holds.
const TICKS: u32 = 50;
/// Lines of an answer that are shown.
const MOST_LINES: usize = 2_000;
/// The deepest indentation in steps; answers have three, a hostile one as many as it has bytes.
const MOST_DEPTH: usize = 16;
/// Bytes of a body that are read: more than the shown lines at their longest.
const MOST_BYTES: usize = 4 << 20;

/// The newest runs, at the engine's clock.
pub async fn runs(pipeline: &Pipeline, limit: u32) -> Result<Vec<RunSummary>, DbError> {
    let mut runs = pipeline.store.runs(limit).await?;
    for run in &mut runs {
        let ahead = pipeline.clock.ahead_at(run.started_at);
        put_on(run, ahead);
    }
    Ok(runs)
}

/// One run, at the engine's clock.
pub async fn run(pipeline: &Pipeline, run: RunId) -> Result<Option<RunDetail>, DbError> {
    let mut detail = pipeline.store.run(run).await?;
    if let Some(detail) = &mut detail {
        let ahead = pipeline.clock.ahead_at(detail.summary.started_at);
        put_on(&mut detail.summary, ahead);
        for request in &mut detail.requests {
            request.reserved_at += ahead;
            request.ended_at = request.ended_at.map(|at| at + ahead);
        }
    }
    Ok(detail)
}

/// The newest instants of the schedule, for a snapshot.
pub async fn ticks(store: &Arc<dyn Store>, now: DateTime<Utc>) -> Result<Vec<NotedTick>, DbError> {
    store.ticks(TICKS, now + FAR_AHEAD).await
}

impl Pipeline {
    /// The newest instants of the schedule, newest first. What a clock that was far ahead noted is not
    /// shown.
    pub async fn ticks(&self, limit: u32) -> Result<Vec<NotedTick>, DbError> {
        self.store.ticks(limit, self.clock.now() + FAR_AHEAD).await
    }
}

/// Moves a run as a whole: its duration stays the same, however fast the engine's clock runs.
fn put_on(run: &mut RunSummary, ahead: TimeDelta) {
    run.started_at += ahead;
    run.finished_at = run.finished_at.map(|at| at + ahead);
}

/// Reads a window by at most two ranges of the key's index, however large the series is.
pub async fn page(pipeline: &Pipeline, window: BarsWindow) -> Result<BarsPage, DbError> {
    let series = pipeline.stored_as(&window.series);
    let read = |order, from, to, limit| {
        let query = BarQuery {
            series: series.clone(),
            from,
            to,
            limit,
            order,
        };
        async move {
            if limit == 0 {
                return Ok(vec![]);
            }
            pipeline.store.bars(query).await
        }
    };
    // Before the bars: what is stored in between then shows as a difference, and the page is read
    // again.
    let facts = pipeline.store.facts(series.clone()).await?;
    let all = window.newer.saturating_add(window.older);
    let bars: Vec<Bar> = match window.anchor {
        Anchor::Newest => read(Order::NewestFirst, None, None, all).await?,
        Anchor::Oldest => {
            let mut bars = read(Order::OldestFirst, None, None, all).await?;
            bars.reverse();
            bars
        }
        Anchor::At(instant) => {
            let (at, after) = around(instant);
            let mut bars = read(Order::OldestFirst, Some(after), None, window.newer).await?;
            bars.reverse();
            bars.extend(read(Order::NewestFirst, None, Some(at), window.older).await?);
            bars
        }
    };
    let (adjustments, known) = pipeline.store.adjustments(series.instrument()).await?;
    let grid = pipeline.grid(&series);
    Ok(BarsPage {
        holes: holes(&grid, &facts.coverage, &bars),
        restated: facts.coverage.restated().clone(),
        known,
        subject: pipeline.subject(series.clone(), &facts).into(),
        grid,
        window,
        scaled: Scaled::of(&series, &bars, adjustments),
        bars,
        total: facts.bars,
        oldest: facts.oldest,
        newest: facts.newest.map(|bar| bar.timestamp),
    })
}

/// The last instant of a second and the first of the next one: bars are labelled in whole seconds.
fn around(instant: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let second = DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant);
    let next = second + TimeDelta::seconds(1);
    (next - TimeDelta::microseconds(1), next)
}

/// Reads what the system view shows besides the snapshot.
pub async fn system(pipeline: &Pipeline) -> Result<SystemView, DbError> {
    let store = &pipeline.store;
    let health = store.health().await?;
    Ok(SystemView {
        database: format!("{} {}", store.backend(), text::clean(&health.version)),
        schema: health.schema,
        size: store.size().await?,
        tables: store.tables().await?,
        spooled: pipeline.persistence.spooled().await.ok(),
        sources: pipeline.source_facts().await?,
    })
}

/// What is there of a time of a series, as far as its bars are wanted and due.
pub async fn ranges(
    pipeline: &Pipeline,
    series: SeriesKey,
    within: Span,
) -> Result<RangesView, DbError> {
    let stored = pipeline.stored_as(&series);
    let mut facts = pipeline.store.facts(stored.clone()).await?;
    let mut declared = pipeline.store.declared().await?;
    let pairs = Pairs::of(&declared);
    pipeline.leave(&series, &pairs, &mut facts).await?;
    let declared = declared.remove(&series);
    let stand = pipeline.stand(stored, &facts, &declared.unwrap_or_default(), None);
    let stock = pipeline.stock(&stand.series, Some(within)).await?;
    let asked = stand.coverage.bounds().map(|bounds| bounds.from);
    let firsts = [stand.since, asked, facts.oldest];
    let due = stand.truth.newest_due.map(|slot| slot.span.to);
    let wanted = firsts.into_iter().flatten().min().zip(due);
    let wanted = wanted.map(|(from, to)| within.common(Span::new(from, to)));
    let ranges = wanted.map_or_else(Vec::new, |wanted| {
        stretches(&stand.grid, &stand.coverage, &stock, wanted)
    });
    Ok(RangesView {
        series,
        within,
        ranges,
    })
}

/// What something costs.
pub async fn preview(pipeline: &Pipeline, question: PriceQuestion) -> Result<Preview, DbError> {
    let mut preview = match &question.what {
        Priced::Missing(series, within) => {
            let costs = pipeline
                .costs(std::slice::from_ref(series), (*within).into())
                .await?;
            Preview {
                bars: costs.iter().map(|cost| cost.bars).sum(),
                refused: costs.iter().map(|cost| cost.refused).sum(),
                requests: costs.iter().map(|cost| cost.requests).sum(),
                refusal: costs.into_iter().find_map(|cost| cost.refusal),
                known_to: None,
                left: None,
                question,
            }
        }
        Priced::Events(instruments) => {
            let costs = pipeline.event_costs(instruments).await?;
            Preview {
                bars: 0,
                refused: 0,
                requests: costs.iter().map(|cost| cost.requests).sum(),
                known_to: costs.iter().map(|cost| cost.known_to).min().flatten(),
                refusal: costs.into_iter().find_map(|cost| cost.refusal),
                left: None,
                question,
            }
        }
    };
    let source = match &preview.question.what {
        Priced::Missing(series, _) => Some(&series.source),
        Priced::Events(instruments) => instruments.first().map(|one| &one.source),
    };
    let limits = pipeline.left_today().await?;
    let mut limits = limits.into_iter();
    preview.left = limits.find(|limit| Some(&limit.source) == source);
    Ok(preview)
}

/// Reads an answer and makes it safe to show.
pub async fn answer(pipeline: &Pipeline, request: RequestId) -> Result<AnswerView, DbError> {
    Ok(match pipeline.store.answer(request).await? {
        Some(stored) => view(request, &stored),
        None => AnswerView {
            request,
            status: 0,
            content_type: None,
            received_at: pipeline.clock.now(),
            elapsed_ms: 0,
            lines: vec![format!("there is no request {}", request.0)],
            cut: false,
        },
    })
}

fn view(request: RequestId, stored: &StoredAnswer) -> AnswerView {
    let (lines, cut) = match (&stored.body, stored.status) {
        (Some(body), _) => lines(body),
        (None, Some(_)) => (
            vec![
                "this answer was deleted to make room for newer ones; store.answers_limit sets \
            how much is kept"
                    .to_owned(),
            ],
            false,
        ),
        (None, None) => (vec!["no answer came for this request".to_owned()], false),
    };
    AnswerView {
        request,
        status: stored.status.unwrap_or_default(),
        content_type: stored.content_type.as_deref().map(text::clean),
        received_at: stored.received_at,
        elapsed_ms: stored.elapsed_ms,
        lines,
        cut,
    }
}

/// The lines of a body, and whether anything was left out.
fn lines(body: &[u8]) -> (Vec<String>, bool) {
    let mut cut = body.len() > MOST_BYTES;
    let body = String::from_utf8_lossy(body.get(..MOST_BYTES).unwrap_or(body));
    // Again: a key entered after the answer was kept is a secret too.
    let body = secret::redact(&body);
    let is_json = body.trim_start().starts_with(['{', '[']);
    let whole = if is_json { indented(&body) } else { body };
    let mut lines = Vec::new();
    for line in whole.lines() {
        if lines.len() == MOST_LINES {
            cut = true;
            break;
        }
        let (kept, is_shorter) = bounded(line);
        cut |= is_shorter;
        lines.push(kept);
    }
    (lines, cut)
}

/// JSON with one value a line. The provider's order and digits are kept, and text that is not JSON
/// does no harm.
fn indented(json: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut lines, mut is_text, mut is_escaped) = (0_usize, 0_usize, false, false);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if is_text {
            out.push(c);
            (is_text, is_escaped) = (c != '"' || is_escaped, c == '\\' && !is_escaped);
            continue;
        }
        let is_new_line = match c {
            '{' | '[' => {
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                let end = chars.next_if(|next| matches!(next, '}' | ']'));
                out.extend(end);
                depth += usize::from(end.is_none());
                end.is_none()
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
                false
            }
            ':' => {
                out.push_str(": ");
                false
            }
            c if c.is_ascii_whitespace() => false,
            c => {
                out.push(c);
                is_text = c == '"';
                c == ','
            }
        };
        if is_new_line {
            new_line(&mut out, depth);
            lines += 1;
        }
        if lines > MOST_LINES {
            break;
        }
    }
    Cow::Owned(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(MOST_DEPTH)));
}

/// A harmless line, within the length limit of all untrusted text.
fn bounded(line: &str) -> (String, bool) {
    let clean = text::clean_to(line, text::MAX_CHARS);
    if clean.chars().count() <= text::MAX_CHARS {
        return (clean, false);
    }
    let mut kept: String = clean.chars().take(text::MAX_CHARS - 1).collect();
    kept.push('…');
    (kept, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_other_text_keeps_its_lines() {
        let (shown, cut) = lines(br#" {"z": "1,{\"}", "a":{ },"b":[1.10]}"#);
        let expected = [
            "{",
            r#"  "z": "1,{\"}","#,
            r#"  "a": {},"#,
            r#"  "b": ["#,
            "    1.10",
            "  ]",
            "}",
        ];
        assert_eq!((shown, cut), (expected.map(str::to_owned).into(), false));
        assert!(lines("[".repeat(100_000).as_bytes()).1);
        assert_eq!(
            lines(b"time,open\r\n1,2\r\n"),
            (vec!["time,open".into(), "1,2".into()], false)
        );
        assert_eq!(lines(b"\x1b[2J").0, ["\\u{1b}[2J"]);
        assert_eq!(lines(b""), (vec![], false));
    }

    #[test]
    fn long_answers_are_cut_and_say_so() {
        let (shown, cut) = lines("x\n".repeat(3_000).as_bytes());
        assert_eq!((shown.len(), cut), (MOST_LINES, true));
        let (shown, cut) = lines("y".repeat(600).as_bytes());
        assert_eq!((shown[0].chars().count(), cut), (text::MAX_CHARS, true));
        let (shown, cut) = lines("\u{1b}".repeat(400).as_bytes());
        assert_eq!((shown[0].chars().count(), cut), (text::MAX_CHARS, true));
        assert!(lines(&vec![b'z'; MOST_BYTES + 1]).1);
    }

    #[test]
    fn a_secret_in_an_answer_is_masked() {
        let _key = crate::config::Secret::new("K3YinAnAnswer");
        assert_eq!(lines(b"key K3YinAnAnswer!").0, ["key ***!"]);
    }

    #[test]
    fn what_is_not_there_is_explained() {
        let stored = StoredAnswer {
            status: Some(200),
            content_type: None,
            received_at: DateTime::UNIX_EPOCH,
            elapsed_ms: 7,
            body: None,
        };
        let gone = view(RequestId(1), &stored);
        assert!(gone.lines[0].contains("store.answers_limit"), "{gone:?}");
        let never = view(
            RequestId(1),
            &StoredAnswer {
                status: None,
                ..stored
            },
        );
        assert!(never.lines[0].contains("no answer came"), "{never:?}");
    }

    #[test]
    fn a_bar_of_the_anchor_is_at_it_and_not_after_it() {
        let (at, after) = around("2026-05-15T13:30:00Z".parse().unwrap());
        assert_eq!(at.to_rfc3339(), "2026-05-15T13:30:00.999999+00:00");
        assert_eq!(after.to_rfc3339(), "2026-05-15T13:30:01+00:00");
    }
}
