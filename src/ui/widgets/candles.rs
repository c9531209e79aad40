//! The picture of a window of bars: candles, volume, prices at the right, times below.
//! Plain data in, cells out; it keeps nothing between frames and knows no view.
//!
//! ```text
//!              ┊                      ╷ ┢◂103.67
//!   ╷          ┊                ┪ ┪ ┿ ┣ ╿
//!   ┫ ╷        ┊              ╷ ┃ ╹ ╵   ·
//!     ┷ ┢ ╷ ┪  ┊      ╷ ╷ ╷ ┢ ┣         · 102.00
//!       ╹ ┣ ┃ ┪┊      ┫ ┫ ┷ ╹ ╵         ·
//!         ╵   ╹┊┷ ╷ ┢ ╹                 ·
//!              ┊  ┡ ╿                   · 100.00
//!   ▁         ▄ ▃ ▁         ▄ ▃ ▁             8k
//!   █ ▇ ▅ ▃ ▂ █ █ █ ▇ ▅ ▃ ▂ █ █ █ ▇ ▅ ▃ ▂
//!       14:00   11-20     12:00    11-20 15:30
//! ```

mod glyphs;
mod scale;
mod times;
mod visible;
mod zoom;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

pub(super) use glyphs::filled;
pub use visible::{Candle, Visible};
pub use zoom::Zoom;

use crate::model::{Bar, Interval, Price, Span, Volume};
use crate::ui::theme::{Role, Theme};
use glyphs::{Direction, Shape};
use scale::{Labels, Scale, amount, least_decimals, short, volume_top};

/// Columns the candles keep before the price axis takes any.
const MIN_BESIDE_AXIS: u16 = 16;
/// Columns below which the volume is dropped, after the price axis.
const MIN_VOLUME_WIDTH: u16 = 10;
/// Columns below which the time axis is dropped, last: one `09:30` and its margin.
const MIN_TIMES_WIDTH: u16 = 7;
/// Rows below which the volume is dropped.
const MIN_VOLUME_HEIGHT: u16 = 8;
/// Rows below which the time axis is dropped.
const MIN_TIMES_HEIGHT: u16 = 4;
/// Sessions of fewer columns get no line: the lines would be the picture.
const MIN_SESSION: usize = 10;

/// A window of bars as candles.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// Newest first, as the table lists them.
    pub bars: &'a [Bar],
    /// Labels of bars that do not belong together with the one before: bars between them were never
    /// asked for, or one of them is on an earlier scale.
    pub breaks: &'a [DateTime<Utc>],
    /// Times whose bars are on an earlier scale.
    pub restated: &'a [Span],
    /// What a bar is.
    pub interval: Interval,
    /// The selected bar, counted from the newest.
    pub cursor: usize,
    /// How many columns per bar, or bars per column.
    pub zoom: Zoom,
    /// The zone of intraday times. Daily and longer bars are dates everywhere.
    pub zone: Tz,
    /// Styles, and whether only ASCII may be drawn.
    pub theme: &'a Theme,
}

/// Where the parts of the chart are, and what they show.
#[derive(Debug)]
struct ChartLayout {
    /// Width of the candles; the price axis has the rest.
    width: u16,
    axis: u16,
    price_rows: u16,
    volume_rows: u16,
    times: bool,
    visible: Visible,
    scale: Scale,
    labels: Labels,
    /// The volume at the top of its rows.
    volume_top: i128,
}

impl Widget for &Chart<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let Some(plan) = self.plan(area.width, area.height) else {
            return;
        };
        self.draw_sessions(&plan, area, buf);
        self.draw_breaks(&plan, area, buf);
        self.draw_candles(&plan, area, buf);
        if plan.volume_rows > 0 {
            self.draw_volume(&plan, area, buf);
        }
        if plan.times {
            self.draw_times(&plan, area, buf);
        }
        if plan.axis > 0 {
            self.draw_axis(&plan, area, buf);
        }
        self.draw_cursor(&plan, area, buf);
    }
}

impl Chart<'_> {
    /// The candles that a chart of this many columns shows, without its price axis.
    #[must_use]
    pub fn visible(&self, columns: u16) -> Visible {
        let room = usize::from(columns / self.zoom.cells());
        Visible::of(self.bars, self.interval, self.zoom, self.cursor, room)
    }

    /// The price axis takes columns from the candles, and which prices it names follows from the
    /// candles left. It starts from the width of the cursor's price with the fewest digits, which
    /// nearly always is the answer, and only grows, so the search ends.
    fn plan(&self, width: u16, height: u16) -> Option<ChartLayout> {
        let cursor = self.bars.get(self.cursor).or(self.bars.last())?;
        let close = i128::from(cursor.close.units());
        let close = amount(close, least_decimals(close));
        let mut axis = text_width(&close).saturating_add(1);
        for _ in 0..3 {
            if width < axis.saturating_add(MIN_BESIDE_AXIS) {
                break;
            }
            let plan = self.plan_beside(width, height, axis)?;
            let needed = plan.axis_width();
            if needed <= axis {
                return Some(plan);
            }
            axis = needed;
        }
        self.plan_beside(width, height, 0)
    }

    fn plan_beside(&self, width: u16, height: u16, axis: u16) -> Option<ChartLayout> {
        let width = width.saturating_sub(axis);
        let times = width >= MIN_TIMES_WIDTH && height >= MIN_TIMES_HEIGHT;
        let volume = width >= MIN_VOLUME_WIDTH && height >= MIN_VOLUME_HEIGHT;
        let volume_rows = if volume { (height / 6).clamp(2, 5) } else { 0 };
        let price_rows = height
            .saturating_sub(u16::from(times))
            .saturating_sub(volume_rows);
        let visible = self.visible(width);
        let scale = Scale::of(&visible.candles, price_rows.saturating_mul(2))?;
        let labels = scale.labels((price_rows / 2).clamp(1, 6));
        let most = visible.candles.iter().map(|candle| candle.volume).max();
        Some(ChartLayout {
            width,
            axis,
            price_rows,
            volume_rows,
            times,
            volume_top: volume_top(most.unwrap_or_default()),
            visible,
            scale,
            labels,
        })
    }

    fn style_of(&self, candle: &Candle) -> Style {
        if self.restated.iter().any(|span| span.contains(candle.last)) {
            return self.theme.style(Role::Dim);
        }
        self.theme.style(match way(candle) {
            Direction::Rose => Role::Up,
            Direction::Fell => Role::Down,
            Direction::Stood => Role::Text,
        })
    }

    /// Column of a candle's middle from the left edge; the newest candle is at the right edge.
    fn column(&self, plan: &ChartLayout, at: usize) -> u16 {
        let from_right = plan.visible.candles.len().saturating_sub(at);
        let from_right = u16::try_from(from_right).unwrap_or(u16::MAX);
        let cells = self.zoom.cells();
        plan.width
            .saturating_sub(from_right.saturating_mul(cells))
            .saturating_add(cells / 2)
    }

    fn draw_sessions(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let breaks = times::session_breaks(&plan.visible);
        let crowded = breaks.len().saturating_mul(MIN_SESSION) > usize::from(plan.width);
        if crowded || !self.interval.is_intraday() {
            return;
        }
        let style = self.theme.style(Role::Border);
        let line = if self.theme.ascii { ':' } else { '┊' };
        // In the gap before the session's first candle, or after it where there is no gap.
        let gap = u16::from(self.zoom.cells() > 1);
        for at in breaks {
            let x = self.column(plan, at).saturating_sub(gap);
            for y in 0..plan.price_rows {
                put(buf, area, (x, y), line, style);
            }
        }
    }

    /// A line where what is on both sides of it does not belong together.
    fn draw_breaks(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let style = self.theme.style(Role::Warn);
        let line = if self.theme.ascii { '!' } else { '╎' };
        let gap = u16::from(self.zoom.cells() > 1);
        for at in self.breaks {
            let candles = &plan.visible.candles;
            let after = candles.partition_point(|candle| candle.last < *at);
            let Some(candle) = candles.get(after) else {
                continue;
            };
            let has_left = after > 0 || plan.visible.before.is_some();
            if candle.timestamp <= *at && has_left {
                let x = self.column(plan, after).saturating_sub(gap);
                for y in 0..plan.price_rows {
                    put(buf, area, (x, y), line, style);
                }
            }
        }
    }

    fn draw_candles(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let step = |price: Price| plan.scale.step(i128::from(price.units()));
        let wide = self.zoom.cells() == 3 && !self.theme.ascii;
        for (at, candle) in plan.visible.candles.iter().enumerate() {
            let style = self.style_of(candle);
            let (top, bottom) = candle.body();
            let shape = Shape {
                high: step(candle.high.max(top)),
                top: step(top),
                bottom: step(bottom),
                low: step(candle.low.min(bottom)),
                way: way(candle),
            };
            let x = self.column(plan, at);
            for y in shape.high / 2..=shape.low / 2 {
                if wide {
                    for (x, glyph) in (x.saturating_sub(1)..=u16::MAX).zip(shape.wide(y)) {
                        if glyph != ' ' {
                            put(buf, area, (x, y), glyph, style);
                        }
                    }
                } else if self.theme.ascii {
                    put(buf, area, (x, y), shape.ascii(y), style);
                } else {
                    put(buf, area, (x, y), shape.narrow(y), style);
                }
            }
        }
    }

    fn draw_volume(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let per_row = if self.theme.ascii { 3 } else { 8 };
        let total = i128::from(plan.volume_rows.saturating_mul(per_row));
        for (at, candle) in plan.visible.candles.iter().enumerate() {
            if candle.volume == Volume::default() {
                continue;
            }
            let style = self.style_of(candle);
            let x = self.column(plan, at);
            // A small volume still shows.
            let top = plan.volume_top.max(1) * i128::from(Volume::ONE);
            let parts = candle.volume.units() * total / top;
            let mut parts = u16::try_from(parts.max(1)).unwrap_or(u16::MAX);
            for row in (0..plan.volume_rows).rev() {
                if parts == 0 {
                    break;
                }
                let y = plan.price_rows.saturating_add(row);
                let glyph = glyphs::filled(parts, self.theme.ascii);
                put(buf, area, (x, y), glyph, style);
                parts = parts.saturating_sub(per_row);
            }
        }
    }

    fn draw_times(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let y = plan.price_rows.saturating_add(plan.volume_rows);
        let style = self.theme.style(Role::Muted);
        let labels = times::time_labels(
            &plan.visible,
            self.interval,
            self.zone,
            |at| self.column(plan, at),
            plan.width.saturating_add(plan.axis),
        );
        let cursor = self.cursor_label(plan);
        let is_apart = |label: &times::TimeLabel| {
            cursor.as_ref().is_none_or(|cursor| {
                let end =
                    |label: &times::TimeLabel| label.x.saturating_add(text_width(&label.text));
                end(label) < cursor.x || end(cursor) < label.x
            })
        };
        for label in labels.iter().filter(|label| is_apart(label)) {
            write(buf, area, (label.x, y), &label.text, style);
        }
    }

    fn draw_axis(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        let row = |price: i128| plan.scale.step(price) / 2;
        let close = |bar: &Bar| i128::from(bar.close.units());
        let cursor = self.bars.get(self.cursor).or(self.bars.last()).map(close);
        let newest = self.bars.first().map(close).filter(|newest| {
            plan.visible.newest && cursor.is_none_or(|cursor| row(cursor) != row(*newest))
        });
        let accent = self.theme.style(Role::Accent);
        let marks = [(newest, accent), (cursor, self.selection())];
        let marks = marks.map(|(price, style)| price.map(|price| (price, style)));
        let mut draw = |price: i128, mark: char, style: Style| {
            let text = amount(price, plan.labels.decimals);
            let room = usize::from(plan.axis.saturating_sub(1));
            let text = format!("{mark}{text:>room$}");
            write(buf, area, (plan.width, row(price)), &text, style);
        };
        for price in &plan.labels.prices {
            let marked = |(mark, _): &(i128, Style)| row(*mark) == row(*price);
            if !marks.iter().flatten().any(marked) {
                draw(*price, ' ', muted);
            }
        }
        let mark = if self.theme.ascii { '<' } else { '◂' };
        for (price, style) in marks.into_iter().flatten() {
            draw(price, mark, style);
        }
        if plan.volume_rows > 0 {
            let text = short(plan.volume_top);
            let x = plan.right_aligned(&text);
            write(buf, area, (x, plan.price_rows), &text, muted);
        }
    }

    /// Marks the cursor's column without touching its candle: dots above and below it, and its
    /// time on the axis. Without an axis the lowest cell of the column is reversed.
    fn draw_cursor(&self, plan: &ChartLayout, area: Rect, buf: &mut Buffer) {
        let middle = self.column(plan, plan.visible.cursor);
        let side = u16::from(self.zoom.cells() == 3);
        let dot = if self.theme.ascii { '.' } else { '·' };
        let accent = self.theme.style(Role::Accent);
        for y in 0..plan.price_rows {
            let is_free = (middle.saturating_sub(side)..=middle.saturating_add(side)).all(|x| {
                let at = (area.x.saturating_add(x), area.y.saturating_add(y));
                buf.cell(at)
                    .is_none_or(|cell| matches!(cell.symbol(), " " | "┊" | ":"))
            });
            if is_free {
                put(buf, area, (middle, y), dot, accent);
            }
        }
        let style = self.selection();
        let below = plan.price_rows.saturating_add(plan.volume_rows);
        if let Some(label) = self.cursor_label(plan) {
            write(buf, area, (label.x, below), &label.text, style);
        } else {
            let cell = Rect {
                x: area.x.saturating_add(middle),
                y: area.y.saturating_add(below.saturating_sub(1)),
                width: 1,
                height: 1,
            };
            buf.set_style(cell.intersection(area), style);
        }
    }

    /// The time of the cursor's bar under its column, as near as the edges allow.
    fn cursor_label(&self, plan: &ChartLayout) -> Option<times::TimeLabel> {
        let bar = self.bars.get(self.cursor).or(self.bars.last())?;
        let room = plan.width.saturating_add(plan.axis);
        let forms = times::cursor_times(bar, self.interval, self.zone);
        let text = forms.into_iter().find(|text| text_width(text) <= room)?;
        let middle = self.column(plan, plan.visible.cursor);
        let x = middle
            .saturating_sub(text_width(&text) / 2)
            .min(room.saturating_sub(text_width(&text)));
        plan.times.then_some(times::TimeLabel { x, text })
    }

    /// The style of what the keys act on.
    fn selection(&self) -> Style {
        let style = self.theme.style(Role::Selection);
        // Reversed, a coloured cell would colour the mark.
        if style.fg.is_none() && style.add_modifier.contains(Modifier::REVERSED) {
            style.fg(Color::Reset)
        } else {
            style
        }
    }
}

impl ChartLayout {
    /// Columns of the widest text on the price axis, with the mark before it.
    fn axis_width(&self) -> u16 {
        let ends = [self.scale.high, self.scale.low];
        let prices = self.labels.prices.iter().chain(&ends);
        let volume = text_width(&short(self.volume_top));
        prices
            .map(|price| text_width(&amount(*price, self.labels.decimals)))
            .max()
            .unwrap_or(0)
            .max(if self.volume_rows > 0 { volume } else { 0 })
            .saturating_add(1)
    }

    fn right_aligned(&self, text: &str) -> u16 {
        self.width
            .saturating_add(self.axis)
            .saturating_sub(text_width(text))
    }
}

fn way(candle: &Candle) -> Direction {
    match candle.close.cmp(&candle.open) {
        std::cmp::Ordering::Greater => Direction::Rose,
        std::cmp::Ordering::Less => Direction::Fell,
        std::cmp::Ordering::Equal => Direction::Stood,
    }
}

/// Columns of a text of single-width characters, which all of the chart's are.
fn text_width(text: &str) -> u16 {
    u16::try_from(text.chars().count()).unwrap_or(u16::MAX)
}

fn put(buf: &mut Buffer, area: Rect, (x, y): (u16, u16), glyph: char, style: Style) {
    if x < area.width
        && y < area.height
        && let Some(cell) = buf.cell_mut((area.x.saturating_add(x), area.y.saturating_add(y)))
    {
        cell.set_char(glyph).set_style(style);
    }
}

fn write(buf: &mut Buffer, area: Rect, (x, y): (u16, u16), text: &str, style: Style) {
    for (x, glyph) in (x..=u16::MAX).zip(text.chars()) {
        put(buf, area, (x, y), glyph, style);
    }
}
