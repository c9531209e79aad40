//! Draws the bars: the selected bar in words, the table, the chart.

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Arrange, Bars, table};
use crate::model::adjustment::AdjustedBar;
use crate::model::text::thousands;
use crate::model::{Bar, Interval, Price, moment};
use crate::pipeline::snapshot::BarsPage;
use crate::ui::draw::{line, put, put_all, split_left, split_top, upright, width};
use crate::ui::regions::Regions;
use crate::ui::shared::Shared;
use crate::ui::text::{self, NONE};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::candles::Chart;

/// Columns of one price or of the volume, at least.
const CELLS: usize = 10;
/// A chart narrower than this shows too little.
const LEAST_CHART: u16 = 24;
/// From this width on, the table beside the chart shows all that is known about a bar.
const ROOMY: u16 = 160;

/// Draws the view.
pub fn draw(view: &Bars, shared: &Shared, area: Rect, buf: &mut Buffer, regions: &mut Regions) {
    let theme = shared.theme;
    let (head, body) = split_top(area, u16::from(area.height > 2));
    let Some(page) = view.window(shared).filter(|page| !page.bars.is_empty()) else {
        nothing(view, shared, area, buf);
        regions.page = usize::from(body.height.saturating_sub(1));
        regions.columns = body.width;
        return;
    };
    title(view, page, shared, head, buf);
    let interval = page.window.series.interval;
    let mut shape = TableLayout::of(view, page);
    if view.arrange == Arrange::Both && body.width < ROOMY {
        shape.columns.retain(|column| !column.is_extra());
    }
    regions.fits_both = body.width >= shape.width() + LEAST_CHART;
    let (left, chart) = match view.arrange {
        Arrange::Chart => (Rect::default(), body),
        Arrange::Both if regions.fits_both => split_left(body, shape.width()),
        // Narrow screens show the table; `v` shows the chart.
        Arrange::Both | Arrange::Table => (body, Rect::default()),
    };
    shape.fit(left.width);
    regions.page = usize::from(body.height.saturating_sub(1));
    table::draw(view, page, &shape, shared, left, buf, regions);
    if chart.width > 0 {
        let inner = if left.width > 0 {
            upright(buf, chart, theme);
            split_left(chart, 2).1
        } else {
            chart
        };
        regions.columns = inner.width;
        let breaks: Vec<DateTime<Utc>> = page.holes.iter().map(|hole| hole.before).collect();
        let (bars, cursor) = view.charted(page);
        let widget = Chart {
            bars,
            breaks: &breaks,
            restated: page.restated.as_slice(),
            interval,
            cursor,
            zoom: view.zoom,
            zone: shared.zone,
            theme: &theme,
        };
        (&widget).render(inner, buf);
    }
}

/// What a line shows of a bar besides its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BarColumn {
    Open,
    High,
    Low,
    Close,
    Volume,
    Change,
    Adjusted,
    Dividend,
    Split,
}

use BarColumn::{Adjusted, Change, Close, Dividend, High, Low, Open, Split, Volume};

/// Narrow tables drop columns, the least useful first. The close goes last.
const DROPPED: [BarColumn; 8] = [Split, Dividend, Adjusted, Change, Volume, Open, High, Low];

impl BarColumn {
    pub(super) const fn head(self) -> &'static str {
        match self {
            Open => "OPEN",
            High => "HIGH",
            Low => "LOW",
            Close => "CLOSE",
            Volume => "VOLUME",
            Change => "CHG%",
            Adjusted => "ADJ CLOSE",
            Dividend => "DIVIDEND",
            Split => "SPLIT",
        }
    }

    /// Whether it is shown only where there is plenty of room.
    const fn is_extra(self) -> bool {
        matches!(self, Change | Adjusted | Dividend | Split)
    }

    pub(super) fn of(
        self,
        bar: &Bar,
        (shown, older): (AdjustedBar, AdjustedBar),
        decimals: u32,
    ) -> (String, Role) {
        let plain = |text: String| (text, Role::Text);
        let known = |text: Option<String>| match text {
            Some(text) => plain(text),
            None => (NONE.to_owned(), Role::Muted),
        };
        let price = |value: Option<Price>| known(value.map(|value| text::price(value, decimals)));
        let extra = |value: Option<Price>| {
            known(value.map(|value| text::price(value, text::decimals([value]))))
        };
        match self {
            Open => price(shown.open),
            High => price(shown.high),
            Low => price(shown.low),
            Close => price(shown.close),
            Volume => known(shown.volume.map(crate::model::Volume::grouped)),
            Change => {
                let closes = older.close.zip(shown.close);
                let change = closes.and_then(|(older, close)| text::change(older, close));
                let change = change.unwrap_or_else(|| NONE.to_owned());
                let role = text::change_role(&change);
                (change, role)
            }
            Adjusted => extra(bar.adjusted_close),
            Dividend => extra(bar.dividend_amount),
            Split => extra(bar.split_coefficient),
        }
    }
}

/// The columns of the table, and how they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableLayout {
    /// Cells of the time.
    pub(super) time: usize,
    pub(super) with_year: bool,
    /// Cells of each column.
    pub(super) cells: usize,
    pub(super) decimals: u32,
    pub(super) columns: Vec<BarColumn>,
}

impl TableLayout {
    /// Everything that is known about these bars.
    pub(super) fn of(view: &Bars, page: &BarsPage) -> Self {
        let bars = || page.bars.iter();
        let shown = || (0..page.bars.len()).map(|at| view.shown(page, at));
        let prices = shown().flat_map(|bar| [bar.open, bar.high, bar.low, bar.close]);
        let decimals = decimals(!view.is_adjusted, prices.flatten()).max(4);
        let highest = shown().filter_map(|bar| bar.high.max(bar.open)).max();
        let highest = highest.map_or(0, |price| text::price(price, decimals).len());
        let volumes = shown().filter_map(|bar| bar.volume);
        let most = volumes
            .map(crate::model::Volume::grouped_len)
            .max()
            .unwrap_or(0);
        let mut columns = vec![Open, High, Low, Close, Volume, Change];
        if bars().any(|bar| bar.adjusted_close.is_some()) {
            columns.extend([Adjusted, Dividend, Split]);
        }
        let with_year = spans_years(page);
        Self {
            time: time_cells(page.window.series.interval, with_year),
            with_year,
            cells: highest.max(most).max(CELLS),
            decimals,
            columns,
        }
    }

    fn width(&self) -> u16 {
        let cells = 1 + self.time + self.columns.len() * (self.cells + 1);
        u16::try_from(cells).unwrap_or(u16::MAX)
    }

    /// Keeps the columns that fit whole: a cut price is a wrong price.
    fn fit(&mut self, width: u16) {
        for dropped in DROPPED {
            if self.width() <= width {
                break;
            }
            self.columns.retain(|column| *column != dropped);
        }
    }
}

/// Digits after the point. A computed price has eight, most of which say nothing.
fn decimals(is_raw: bool, prices: impl Iterator<Item = Price>) -> u32 {
    let all = text::decimals(prices);
    if is_raw { all } else { all.min(4) }
}

/// Whether the series spans years, so that a time without one would be ambiguous.
fn spans_years(page: &BarsPage) -> bool {
    let year = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.year());
    year(page.oldest) != year(page.newest)
}

const fn time_cells(interval: Interval, with_year: bool) -> usize {
    match (interval.is_intraday(), with_year) {
        (true, true) => 16,
        (true, false) => 11,
        (false, _) => 10,
    }
}

/// That the bars are not the source's own.
fn rolled_up(page: &BarsPage) -> String {
    let words = page.subject.rolled_up();
    words.map_or_else(String::new, |words| format!(" {words}"))
}

/// The series, and the selected bar spelled out.
fn title(view: &Bars, page: &BarsPage, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let series = &page.window.series;
    let prices = match (series.adjusted, series.is_stored_adjusted()) {
        (_, true) => "adjusted",
        _ if view.is_adjusted => "adjusted",
        (false, false) => "raw",
        (true, false) => "raw, adjusted close",
    };
    let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or_else(String::new, |at| {
            moment::label_date(at, series.interval, Tz::America__New_York).to_string()
        })
    };
    let currency = page.subject.currency.as_ref();
    let currency = currency.map_or_else(String::new, |currency| format!(", {currency}"));
    let left = [
        (
            format!(
                " {} {} {prices}{currency}",
                series.instrument(),
                series.interval
            ),
            theme.style(Role::Head),
        ),
        (
            format!("   {} bars{}", thousands(page.total), rolled_up(page)),
            Style::new(),
        ),
        (
            format!("   {} … {}", day(page.oldest), day(page.newest)),
            theme.style(Role::Muted),
        ),
    ];
    let Some(bar) = page.bars.get(view.cursor.at) else {
        put_all(buf, area, 0, &left);
        return;
    };
    let [long, short] = times(bar, page, shared.zone);
    let shown = view.shown(page, view.cursor.at);
    let gap = page.scaled.adjustments.gap(bar.trading_date);
    let said = |time: &str, names: &[&str]| match gap {
        Some(gap) if shown.close.is_none() => vec![
            (format!(" {time}"), theme.style(Role::Accent)),
            (format!("  {}", gap.words()), theme.style(Role::Warn)),
        ],
        _ => {
            let mut words = spelled(time, bar, &shown, names, theme);
            if page.restated.contains(bar.timestamp) {
                words.insert(1, ("  restated since".to_owned(), theme.style(Role::Warn)));
            }
            words
        }
    };
    let all = ["O", "H", "L", "C", "V", "adj"];
    let (whole, usual) = (said(&long, &all), said(&short, &all));
    // The selected bar is worth more than the extent of the series, and its time than its open.
    let least = [["O", "H", "L", "C", "V"].as_slice(), &["C", "V"], &["C"]];
    let least = least.map(|names| (1, said(&short, names)));
    let shown = (1..=left.len())
        .rev()
        .flat_map(|count| [(count, whole.clone()), (count, usual.clone())])
        .chain(least)
        .find_map(|(count, right)| {
            let pieces = left.get(..count)?;
            (width(pieces) + width(&right) < area.width).then_some((pieces, right))
        });
    match shown {
        Some((pieces, right)) => {
            put_all(buf, area, 0, pieces);
            put_all(
                buf,
                area,
                area.width.saturating_sub(width(&right) + 1),
                &right,
            );
        }
        None => {
            put_all(buf, area, 0, left.get(..1).unwrap_or_default());
        }
    }
}

/// The time of a bar as fully as it can be written, and as short as it can be understood.
fn times(bar: &Bar, page: &BarsPage, zone: Tz) -> [String; 2] {
    let interval = page.window.series.interval;
    let zone_name = text::zone_name(zone);
    let short = text::bar_time(bar, interval, spans_years(page), zone);
    if interval.is_intraday() {
        let local = bar.timestamp.with_timezone(&zone);
        let long = local.format("%a %Y-%m-%d %H:%M").to_string();
        [long, short].map(|time| format!("{time} {zone_name}"))
    } else {
        [bar.trading_date.format("%a %Y-%m-%d").to_string(), short]
    }
}

/// A bar in words: its time, and what is named of its values.
fn spelled(
    time: &str,
    bar: &Bar,
    shown: &AdjustedBar,
    names: &[&str],
    theme: Theme,
) -> Vec<(String, Style)> {
    let prices = [shown.open, shown.high, shown.low, shown.close];
    let decimals = decimals(
        *shown == AdjustedBar::raw(bar),
        prices.into_iter().flatten(),
    );
    let role = match shown.close.cmp(&shown.open) {
        std::cmp::Ordering::Less => Role::Down,
        std::cmp::Ordering::Greater => Role::Up,
        std::cmp::Ordering::Equal => Role::Text,
    };
    let price = |price: Option<Price>| {
        let text = price.map_or_else(|| NONE.to_owned(), |price| text::price(price, decimals));
        (text, theme.style(role))
    };
    let mut pieces = vec![(format!(" {time}"), theme.style(Role::Accent))];
    for name in names {
        let value = match *name {
            "O" => price(shown.open),
            "H" => price(shown.high),
            "L" => price(shown.low),
            "C" => price(shown.close),
            "V" => {
                let volume = shown.volume.map(crate::model::Volume::grouped);
                (volume.unwrap_or_else(|| NONE.to_owned()), Style::new())
            }
            _ => match bar.adjusted_close {
                Some(close) => (text::price(close, text::decimals([close])), Style::new()),
                None => continue,
            },
        };
        pieces.push((format!("  {name} "), theme.style(Role::Muted)));
        pieces.push(value);
    }
    pieces
}

fn nothing(view: &Bars, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let is_read = view.window(shared).is_some();
    let text = match (&view.series, is_read) {
        (None, _) => "No series to show yet: a adds one.".to_owned(),
        (Some(series), false) => format!("{series}: reading…"),
        (Some(series), true) => format!(
            "No bars of {series} yet: f fetches them, i shows another interval, [ ] another series."
        ),
    };
    for (row, text) in (1..).zip(text::wrap(&text, usize::from(area.width.saturating_sub(2)))) {
        if let Some(place) = line(area, row) {
            put(buf, place, 1, &text, theme.style(Role::Muted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    fn page() -> BarsPage {
        let mut page = sample::bars_page(3);
        page.oldest = page.newest;
        page
    }

    fn head(page: &BarsPage, width: u16) -> String {
        let shared = sample::shared(sample::normal());
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        title(&Bars::default(), page, &shared, area, &mut buf);
        buf.content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn the_selected_bar_is_named_with_its_time_and_zone_at_every_width() {
        let mut page = page();
        let wide = head(&page, 160);
        assert!(wide.contains("Fri 2026-11-20 15:55 ET  O 28"), "{wide}");
        for (width, words) in [
            (
                80,
                ["raw", "11-20 15:55 ET", "  O ", "  V 1,208"].as_slice(),
            ),
            (60, &["raw", "11-20 15:55 ET", "  C ", "  V 1,208"]),
            (45, &["raw", "11-20 15:55 ET", "  C "]),
        ] {
            let head = head(&page, width);
            assert!(
                words.iter().all(|word| head.contains(word)) && !head.contains('…'),
                "{width}: {head}"
            );
        }
        std::sync::Arc::make_mut(&mut page.subject).currency = "GBp".parse().ok();
        let pence = head(&page, 80);
        assert!(pence.contains(" IBM 5min raw, GBX"), "{pence}");
        std::sync::Arc::make_mut(&mut page.subject).currency = None;
        std::sync::Arc::make_mut(&mut page.subject).derived_from = Some(Interval::Min1);
        let derived = head(&page, 120);
        assert!(
            derived.contains(" bars rolled up from 1min bars"),
            "{derived}"
        );
        page.window.series.adjusted = true;
        page.window.series.interval = Interval::Daily;
        let head = head(&page, 80);
        assert!(
            head.contains("IBM daily raw, adjusted close") && head.contains(" 2026-11-20  "),
            "{head}"
        );
    }

    #[test]
    fn no_price_is_cut_and_a_column_goes_whole() {
        let mut page = page();
        page.bars[0].high = sample::price("89999999999.12345678");
        page.bars[0].adjusted_close = Some(sample::price("1.5"));
        let mut shape = TableLayout::of(&Bars::default(), &page);
        assert_eq!(shape.cells, "89,999,999,999.12345678".len());
        assert_eq!(shape.columns.len(), 9);
        for width in (30..260).rev() {
            shape.fit(width);
            assert!(
                shape.width() <= width || shape.columns == [Close],
                "{width}: {shape:?}"
            );
            assert!(shape.columns.contains(&Close));
        }
    }
}
