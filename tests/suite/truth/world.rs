//! A market with plants, the program on a database, and one clock for both.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::model::Interval;
use pipeline_tui::simulate::{Options, Plan, Plant, Server};
use pipeline_tui::time::Clock;
use serde_json::Value;

use crate::support::program::{Desk, Done};
use crate::support::wall::Wall;

/// A series as a test names it.
pub type Series<'a> = (&'a str, Interval);

/// Open, high, low, close, volume: the bits of each, since equal values are meant.
type Values = [u64; 5];

/// A market, and the program on one database.
pub struct World {
    pub server: Server,
    desk: Desk,
    wall: Wall,
    now: Arc<Mutex<DateTime<Utc>>>,
}

/// An instant by the clock of New York: `2026-11-20 16:20`, or a day's midnight.
pub fn at(text: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap_or_else(|_| {
        let date: NaiveDate = text.parse().unwrap();
        date.and_time(chrono::NaiveTime::MIN)
    });
    New_York.from_local_datetime(&local).unwrap().to_utc()
}

/// From the midnight of a day to that of another one.
pub fn days(from: &str, to: &str) -> Range<DateTime<Utc>> {
    at(from)..at(to)
}

impl World {
    /// The same market for each available database, at this time of New York.
    pub async fn on_each_database(plants: &[&str], now: &str) -> Vec<Self> {
        let mut worlds = vec![];
        for desk in Desk::on_each_database() {
            let now = Arc::new(Mutex::new(at(now)));
            let hand = Arc::clone(&now);
            let plants = plants.iter().map(|plant| plant.parse::<Plant>().unwrap());
            let options = Options {
                plants: plants.collect(),
                plan: Plan::Unlimited,
                clock: Clock::from_fn(move || *hand.lock().unwrap()),
                ..Options::default()
            };
            let server = Server::start(options).await.unwrap();
            let Some(wall) = Wall::new(desk.folder()) else {
                return vec![];
            };
            worlds.push(Self {
                wall,
                desk: desk.asking(&server),
                server,
                now,
            });
        }
        worlds
    }

    /// The same with a variable of the program's environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.desk = self.desk.with(name, value);
        self
    }

    /// The name of its database.
    pub fn database(&self) -> &'static str {
        if self.desk.postgres().is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    }

    /// Sets the clock of market and program to a time of New York.
    pub fn at(&self, now: &str) -> &Self {
        *self.now.lock().unwrap() = at(now);
        self
    }

    /// The market's clock.
    pub fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.now);
        Clock::from_fn(move || *hand.lock().unwrap())
    }

    /// The file of its database, if that is one.
    pub fn file(&self) -> PathBuf {
        self.desk.database()
    }

    /// The URL of its database, if that is a server's.
    pub fn postgres(&self) -> Option<&str> {
        self.desk.postgres()
    }

    /// Runs SQL with the database's own client.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        self.desk.sql(sql)
    }

    /// Runs the program to its end, on the market's time.
    pub fn run(&self, arguments: &[&str]) -> Done {
        self.run_at(self.clock().now(), arguments)
    }

    /// Runs the program to its end, under a clock of its own.
    pub fn run_at(&self, clock: DateTime<Utc>, arguments: &[&str]) -> Done {
        self.wall.show(clock);
        let mut command = self.wall.over(self.desk.command(arguments));
        Done::from(command.output().unwrap())
    }

    /// Fetches a series, which must succeed.
    pub fn fetch(&self, (symbol, interval): Series<'_>, more: &[&str]) -> Done {
        let series = ["--symbols", symbol, "--interval", interval.as_str()];
        let done = self.run(&[&["fetch"], &series[..], more].concat());
        assert_eq!(done.code, 0, "{done:?}");
        done
    }

    /// What a command says as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
    }

    /// The numbers of bars that the program calls extra, day by day.
    pub fn extra(&self, (symbol, interval): Series<'_>) -> Vec<usize> {
        let series = ["--symbols", symbol, "--interval", interval.as_str()];
        let told = self.json(&[&["coverage"], &series[..]].concat());
        let ranges = told[0]["ranges"].as_array().unwrap().iter();
        let extra = ranges.filter(|range| range["state"] == "extra, not expected");
        extra
            .map(|range| usize::try_from(range["bars"].as_u64().unwrap()).unwrap())
            .collect()
    }

    /// Requests that the provider has received.
    pub fn requests(&self) -> usize {
        self.server.journal().len()
    }

    /// The raw bars of a series that are stored and final, by their labels.
    pub fn stored(&self, (symbol, interval): Series<'_>) -> BTreeMap<DateTime<Utc>, Values> {
        let label = if self.desk.postgres().is_some() {
            "timestamp AT TIME ZONE 'UTC'"
        } else {
            "timestamp"
        };
        let rows = self.desk.sql(&format!(
            "SELECT {label}, open_price, high_price, low_price, close_price, volume FROM stock_data \
             WHERE symbol = '{symbol}' AND interval = '{interval}' AND NOT adjusted AND final"
        ));
        let row = |row: &String| {
            let (label, values) = row.split_once('|').unwrap();
            let label = NaiveDateTime::parse_from_str(label, "%Y-%m-%d %H:%M:%S").unwrap();
            let mut values = values
                .split('|')
                .map(|value| value.parse::<f64>().unwrap().to_bits());
            (
                label.and_utc(),
                std::array::from_fn(|_| values.next().unwrap()),
            )
        };
        rows.iter().map(row).collect()
    }

    /// The bars that the provider serves now, by their labels.
    pub async fn served(&self, query: &str) -> BTreeMap<DateTime<Utc>, Values> {
        let row = |(label, values): (String, Vec<f64>)| {
            let label = label.strip_suffix(":00").unwrap_or(&label);
            (
                at(label),
                std::array::from_fn(|field| values[field].to_bits()),
            )
        };
        self.rows(query).await.into_iter().map(row).collect()
    }

    /// The adjusted closes that the provider serves now.
    pub async fn adjusted_closes(&self, query: &str) -> BTreeMap<NaiveDate, f64> {
        let row = |(label, values): (String, Vec<f64>)| (label.parse().unwrap(), values[4]);
        self.rows(query).await.into_iter().map(row).collect()
    }

    async fn rows(&self, query: &str) -> Vec<(String, Vec<f64>)> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!(
            "{}?{query}&datatype=csv&apikey=test",
            self.server.base_url()
        );
        let body = client.get(url).send().await.unwrap().text().await.unwrap();
        assert!(!body.starts_with('{'), "{query}: {body}");
        let row = |row: &str| {
            let (label, values) = row.split_once(',').unwrap();
            let values = values.split(',').map(|value| value.parse().unwrap());
            (label.to_owned(), values.collect())
        };
        body.lines().skip(1).map(row).collect()
    }
}
