//! The terms of the program as types. Plain values: no I/O, no clock, no async.

pub mod answer;
pub mod bar;
pub mod causes;
pub mod class;
pub mod instrument;
pub mod interval;
pub mod listing;
pub mod market;
pub mod moment;
pub mod price;
pub mod quota;
pub mod request;
pub mod run;
pub mod series;
pub mod source;
pub mod symbol;
pub mod text;
pub mod volume;
pub mod watch_file;
pub mod watch_list;
pub mod words;

pub use answer::{Answer, Batch, Counts, Reading, RejectedRow};
pub use bar::Bar;
pub use class::ErrorClass;
pub use instrument::{Instrument, Sources};
pub use interval::Interval;
pub use listing::Listing;
pub use price::Price;
pub use request::Request;
pub use run::{RequestId, RunId, RunStatus, RunSummary, SeriesError, SeriesReport, SeriesStatus};
pub use series::SeriesKey;
pub use source::SourceId;
pub use symbol::Symbol;
pub use volume::Volume;
pub use watch_list::{WatchEdit, WatchEdited};
