//! Many bars in one statement: an upsert that leaves unchanged rows alone.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, SqliteConnection};

use super::super::row;
use super::{Outcome, instant};
use crate::model::{Bar, Price};

/// Rows per statement: as many as pay off, far below SQLite's 32,766 parameters.
const CHUNK: usize = 1_000;

/// The columns whose values a bar has, and that an upsert compares: as many as a chunk's bars need.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// Prices and whole volumes of bars that are final, as nearly all are.
    Plain,
    All,
}

impl Columns {
    fn of(bars: &[&Bar]) -> Self {
        let is_plain =
            |bar: &&Bar| bar.is_final && bar.volume.fraction() == 0 && !bar.has_adjustments();
        if bars.iter().all(is_plain) {
            Self::Plain
        } else {
            Self::All
        }
    }

    /// How many parameters a row has of its own: its time, its day, and these.
    fn parameters(self) -> usize {
        let ours = self.values().iter().filter(|(_, value)| *value == "?");
        2 + ours.count()
    }

    /// Each with what stands for its value: a parameter, or the one value of all rows.
    const fn values(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Plain => &[
                ("open_price", "?"),
                ("high_price", "?"),
                ("low_price", "?"),
                ("close_price", "?"),
                ("volume", "?"),
                ("volume_fraction", "0"),
                ("final", "1"),
            ],
            Self::All => &[
                ("open_price", "?"),
                ("high_price", "?"),
                ("low_price", "?"),
                ("close_price", "?"),
                ("volume", "?"),
                ("volume_fraction", "?"),
                ("final", "?"),
                ("adjusted_close", "?"),
                ("dividend_amount", "?"),
                ("split_coefficient", "?"),
            ],
        }
    }
}

/// The statements for a full chunk: prepared once, used often.
static PLAIN: LazyLock<String> = LazyLock::new(|| upsert(CHUNK, Columns::Plain));
static ALL: LazyLock<String> = LazyLock::new(|| upsert(CHUNK, Columns::All));

/// Builds an upsert of `rows` rows that leaves unchanged rows alone; a missing adjustment is kept.
///
/// The rows are the statement's own VALUES, which SQLite compiles as it reads them; under a name or in
/// a subquery they take five times as long. One parameter alone has a number, the series: SQLite and
/// the driver search a list of those for every parameter, so a second one would cost more than it saves.
fn upsert(rows: usize, columns: Columns) -> String {
    let values = columns.values();
    let series = rows * columns.parameters() + 1;
    let each = |form: &dyn Fn(&str, &str) -> String| {
        let forms = values.iter().map(|(column, value)| form(column, value));
        forms.collect::<Vec<_>>().join(", ")
    };
    let new = |column: &str| match column {
        "adjusted_close" | "dividend_amount" | "split_coefficient" => {
            format!("coalesce(excluded.{column}, bars.{column})")
        }
        _ => format!("excluded.{column}"),
    };
    let row = format!("(${series}, ?, ?, {})", each(&|_, value| value.to_owned()));
    let mut sql = format!(
        "INSERT INTO bars (series_id, timestamp, trading_day, {}) VALUES {row}",
        each(&|column, _| column.to_owned())
    );
    for _ in 1..rows {
        sql.push(',');
        sql.push_str(&row);
    }
    let _ = write!(
        sql,
        " ON CONFLICT (series_id, timestamp) DO UPDATE SET {}, updated_at = unixepoch() WHERE ({}) IS NOT ({})",
        each(&|column, _| format!("{column} = {}", new(column))),
        each(&|column, _| format!("bars.{column}")),
        each(&|column, _| new(column)),
    );
    sql
}

/// Stores bars of the series with this number; returns how many rows were written. While SQLite
/// works on a chunk, in the driver's thread, the next one is prepared in this one.
pub async fn store(connection: &mut SqliteConnection, number: i64, bars: &[&Bar]) -> Outcome<u64> {
    let mut chunks = bars.chunks(CHUNK).map(|bars| Chunk::new(number, bars));
    let mut written = 0;
    let mut next = chunks.next();
    while let Some(chunk) = next {
        let storing = chunk?.store(connection);
        let (stored, prepared) = tokio::join!(biased; storing, async { chunks.next() });
        written += stored?;
        next = prepared;
    }
    Ok(written)
}

/// Bars of a statement.
struct Chunk {
    rows: usize,
    columns: Columns,
    arguments: SqliteArguments,
}

impl Chunk {
    fn new(number: i64, bars: &[&Bar]) -> Outcome<Self> {
        let columns = Columns::of(bars);
        let arguments = arguments(number, bars, columns).map_err(sqlx::Error::Encode)?;
        Ok(Self {
            rows: bars.len(),
            columns,
            arguments,
        })
    }

    async fn store(self, connection: &mut SqliteConnection) -> Outcome<u64> {
        let full = match self.columns {
            Columns::Plain => &PLAIN,
            Columns::All => &ALL,
        };
        let query = if self.rows == CHUNK {
            sqlx::query_with(AssertSqlSafe(full.as_str()), self.arguments)
        } else {
            let sql = AssertSqlSafe(upsert(self.rows, self.columns));
            sqlx::query_with(sql, self.arguments).persistent(false)
        };
        Ok(query.execute(connection).await?.rows_affected())
    }
}

/// The parameters of the upsert, the series last. Collected directly: adding each to a query moves the query.
fn arguments(number: i64, bars: &[&Bar], columns: Columns) -> Result<SqliteArguments, BoxDynError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(bars.len() * columns.parameters() + 1, 0);
    for bar in bars {
        arguments.add(instant::shared(bar.timestamp))?;
        arguments.add(row::epoch_day(bar.trading_date))?;
        for price in [bar.open, bar.high, bar.low, bar.close] {
            arguments.add(price.units())?;
        }
        arguments.add(bar.volume.whole())?;
        if columns == Columns::All {
            arguments.add(bar.volume.fraction())?;
            arguments.add(bar.is_final)?;
            for adjustment in [
                bar.adjusted_close,
                bar.dividend_amount,
                bar.split_coefficient,
            ] {
                arguments.add(adjustment.map(Price::units))?;
            }
        }
    }
    arguments.add(number)?;
    Ok(arguments)
}
