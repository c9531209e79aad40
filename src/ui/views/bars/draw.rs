//! Draws the bars: the selected bar in words, the table, the chart.

use chrono::Datelike as _;
use chrono_tz::Tz;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Arrange, Bars};
use crate::model::text::thousands;
use crate::model::{Bar, Interval};
use crate::pipeline::snapshot::BarsPage;
use crate::ui::app::Shared;
use crate::ui::draw::{line, put, put_all, split_left, split_top, upright, width};
use crate::ui::frame::Regions;
use crate::ui::text::{self, right};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::candles::Chart;
use crate::ui::widgets::list;

/// Columns of one price or of the volume.
const CELLS: usize = 10;
/// A chart that is narrower than this tells nothing.
const LEAST_CHART: u16 = 24;

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
    title(page, view.selected(shared), shared, head, buf);
    let interval = page.window.series.interval;
    let decimals = text::decimals(
        page.bars
            .iter()
            .flat_map(|bar| [bar.open, bar.high, bar.low, bar.close]),
    )
    .max(4);
    let table_width = table_width(interval, spans_years(page));
    let (left, chart) = match view.arrange {
        Arrange::Chart => (Rect::default(), body),
        Arrange::Both if body.width >= table_width + LEAST_CHART => split_left(body, table_width),
        // Narrow screens show the table; `v` shows the chart.
        Arrange::Both | Arrange::Table => (body, Rect::default()),
    };
    regions.page = usize::from(body.height.saturating_sub(1));
    table(view, page, decimals, shared, left, buf, regions);
    if chart.width > 0 {
        let inner = if left.width > 0 {
            upright(buf, chart, theme);
            split_left(chart, 2).1
        } else {
            chart
        };
        regions.columns = inner.width;
        let widget = Chart {
            bars: &page.bars,
            interval,
            cursor: view.cursor.at,
            zoom: view.zoom,
            zone: shared.zone,
            theme: &theme,
        };
        (&widget).render(inner, buf);
    }
}

/// What a line says of a bar beside its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Open,
    High,
    Low,
    Close,
    Volume,
}

impl Column {
    const fn head(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::High => "HIGH",
            Self::Low => "LOW",
            Self::Close => "CLOSE",
            Self::Volume => "VOLUME",
        }
    }

    fn of(self, bar: &Bar, decimals: u32) -> String {
        match self {
            Self::Open => text::price(bar.open, decimals),
            Self::High => text::price(bar.high, decimals),
            Self::Low => text::price(bar.low, decimals),
            Self::Close => text::price(bar.close, decimals),
            Self::Volume => thousands(bar.volume),
        }
    }
}

/// The columns that fit whole: a price that is cut is a wrong price. The close stays to the last.
fn columns(width: u16, time_cells: usize) -> Vec<Column> {
    let all = [
        Column::Open,
        Column::High,
        Column::Low,
        Column::Close,
        Column::Volume,
    ];
    let fit = usize::from(width).saturating_sub(1 + time_cells) / (CELLS + 1);
    let mut columns = all.to_vec();
    for dropped in [Column::Volume, Column::Open, Column::High, Column::Low] {
        if columns.len() > fit.max(1) {
            columns.retain(|column| *column != dropped);
        }
    }
    columns
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

fn table_width(interval: Interval, with_year: bool) -> u16 {
    let cells = 1 + time_cells(interval, with_year) + 5 * (CELLS + 1);
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// The series, and the selected bar spelled out.
fn title(page: &BarsPage, bar: Option<&Bar>, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let series = &page.window.series;
    let prices = match (series.adjusted, series.is_stored_adjusted()) {
        (false, _) => "raw",
        (true, true) => "adjusted",
        (true, false) => "raw, adjusted close",
    };
    let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or_else(String::new, |at| {
            at.with_timezone(&Tz::America__New_York)
                .format("%Y-%m-%d")
                .to_string()
        })
    };
    let left = [
        (
            format!(" {} {} {prices}", series.symbol, series.interval),
            theme.style(Role::Head),
        ),
        (format!("   {} bars", thousands(page.total)), Style::new()),
        (
            format!("   {} … {}", day(page.oldest), day(page.newest)),
            theme.style(Role::Muted),
        ),
    ];
    let right = bar.map_or_else(Vec::new, |bar| spelled(bar, theme));
    let room = area.width.saturating_sub(width(&right) + 1);
    // The selected bar is worth more than the extent of the series.
    let shown = (1..=left.len()).rev().find(|count| {
        left.get(..*count)
            .is_some_and(|pieces| width(pieces) < room)
    });
    put_all(
        buf,
        area,
        0,
        left.get(..shown.unwrap_or(1)).unwrap_or_default(),
    );
    if shown.is_some() {
        put_all(buf, area, room, &right);
    }
}

fn spelled(bar: &Bar, theme: Theme) -> Vec<(String, Style)> {
    let decimals = text::decimals([bar.open, bar.high, bar.low, bar.close]);
    let role = match bar.close.cmp(&bar.open) {
        std::cmp::Ordering::Less => Role::Down,
        std::cmp::Ordering::Greater => Role::Up,
        std::cmp::Ordering::Equal => Role::Text,
    };
    let mut pieces = vec![];
    for (name, price) in [
        ("O", bar.open),
        ("H", bar.high),
        ("L", bar.low),
        ("C", bar.close),
    ] {
        pieces.push((format!("  {name} "), theme.style(Role::Muted)));
        pieces.push((text::price(price, decimals), theme.style(role)));
    }
    pieces.push(("  V ".to_owned(), theme.style(Role::Muted)));
    pieces.push((thousands(bar.volume), Style::new()));
    if let Some(close) = bar.adjusted_close {
        pieces.push(("  adj ".to_owned(), theme.style(Role::Muted)));
        pieces.push((text::price(close, text::decimals([close])), Style::new()));
    }
    pieces
}

fn table(
    view: &Bars,
    page: &BarsPage,
    decimals: u32,
    shared: &Shared,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let interval = page.window.series.interval;
    let with_year = spans_years(page);
    let time_cells = time_cells(interval, with_year);
    let time_head = if interval.is_intraday() {
        format!("TIME ({})", text::zone_name(shared.zone))
    } else {
        "DATE".to_owned()
    };
    let columns = columns(area.width, time_cells);
    if let Some(head) = line(area, 0) {
        let mut x = put(
            buf,
            head,
            1,
            &text::left(&time_head, time_cells),
            theme.style(Role::Head),
        );
        for column in &columns {
            let name = format!(" {}", right(column.head(), CELLS));
            x = put(buf, head, x, &name, theme.style(Role::Head));
        }
    }
    let (_, body) = split_top(area, 1);
    let is_old = shared
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.store.lost.is_some());
    let style = theme.style(if is_old { Role::Dim } else { Role::Text });
    let look = (theme, true);
    let shown = list::draw(
        &page.bars,
        view.cursor,
        look,
        body,
        buf,
        |bar, place, buf| {
            let label = text::bar_time(bar, interval, with_year, shared.zone);
            let mut x = put(buf, place, 1, &text::left(&label, time_cells), style);
            for column in &columns {
                let shown = column.of(bar, decimals);
                x = put(buf, place, x, &format!(" {}", right(&shown, CELLS)), style);
            }
        },
    );
    regions.rows(body, shown);
}

fn nothing(view: &Bars, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let is_read = view.window(shared).is_some();
    let text = match (&view.series, is_read) {
        (None, _) => {
            "No series is watched yet: 1 goes to the overview, a adds one there.".to_owned()
        }
        (Some(series), false) => format!("{series}: reading…"),
        (Some(series), true) => format!(
            "No bars of {series} are stored: f fetches them, i shows another interval, [ ] another series."
        ),
    };
    for (row, text) in (1..).zip(text::wrap(&text, usize::from(area.width.saturating_sub(2)))) {
        if let Some(place) = line(area, row) {
            put(buf, place, 1, &text, theme.style(Role::Muted));
        }
    }
}
