//! What both back ends share: how work on a connection may end, and the methods that only delegate.

use std::pin::Pin;

use super::DbError;

/// What may end a piece of database work: a driver error, or one already explained.
pub enum Fault {
    Sql(sqlx::Error),
    Worded(DbError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::Worded(error)
    }
}

pub type Outcome<T> = Result<T, Fault>;

/// Work that borrows a connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'c>>;

/// Implements [`Store`](super::Store) for a back end that has `work`, `write`, `place` and the modules
/// `apply`, `history` and `ledger`; `own` are the methods in which the two differ.
macro_rules! impl_store {
    (for $store:ty, own: { $($own:tt)* }) => {
        #[async_trait]
        impl Store for $store {
            $($own)*

            fn location(&self) -> &str {
                &self.place
            }

            async fn watch_list(&self) -> Result<Vec<SeriesKey>> {
                self.work(|connection| Box::pin(watch_list::read(connection))).await
            }

            async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>> {
                self.write(|connection| Box::pin(watch_list::fill(connection, series))).await
            }

            async fn edit_watch_list(&self, edit: WatchEdit) -> Result<WatchEdited> {
                self.write(|connection| Box::pin(watch_list::edit(connection, edit))).await
            }

            async fn settings(&self) -> Result<HashMap<String, String>> {
                let all = self.work(|connection| Box::pin(settings::all(connection))).await?;
                Ok(all.into_iter().collect())
            }

            async fn setting(&self, name: &'static str) -> Result<Option<String>> {
                self.work(move |connection| Box::pin(settings::get(connection, name))).await
            }

            async fn set_setting(&self, name: &'static str, value: String) -> Result<()> {
                self.write(move |connection| Box::pin(settings::set(connection, name, value))).await
            }

            async fn facts(&self, series: SeriesKey) -> Result<SeriesFacts> {
                self.work(|connection| Box::pin(history::facts(connection, series))).await
            }

            async fn ledger(&self, credential: Credential) -> Result<Ledger> {
                self.work(|connection| Box::pin(ledger::today(connection, credential))).await
            }

            async fn sent_since(
                &self,
                credential: Credential,
                triggers: &'static [&'static str],
                since: DateTime<Utc>,
            ) -> Result<u32> {
                self.work(move |connection| Box::pin(ledger::sent_since(connection, credential, triggers, since))).await
            }

            async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()> {
                self.write(move |connection| Box::pin(history::finish_series(connection, run, report))).await
            }

            async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()> {
                self.write(move |connection| Box::pin(history::finish_run(connection, run, status))).await
            }

            async fn reserve(&self, reservation: Reservation) -> Result<Reserved> {
                self.write(|connection| Box::pin(ledger::reserve(connection, reservation))).await
            }

            async fn attempt(&self, attempt_id: Uuid) -> Result<Option<RequestId>> {
                self.work(move |connection| Box::pin(ledger::attempt(connection, attempt_id))).await
            }

            async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()> {
                self.write(move |connection| Box::pin(ledger::keep(connection, request, answer, limit))).await
            }

            async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()> {
                self.write(move |connection| Box::pin(ledger::settle(connection, request, end))).await
            }

            async fn apply(&self, batch: Batch, credential: Credential) -> Result<Counts> {
                self.write(|connection| Box::pin(apply::apply(connection, batch, credential))).await
            }

            async fn listings(&self) -> Result<(Option<DateTime<Utc>>, Vec<Listing>)> {
                self.work(|connection| Box::pin(listings::all(connection))).await
            }

            async fn keep_listings(
                &self,
                request: RequestId,
                sent_at: DateTime<Utc>,
                listings: Vec<Listing>,
            ) -> Result<()> {
                self.write(move |connection| Box::pin(listings::keep(connection, request, sent_at, listings))).await
            }

            async fn unapplied(&self) -> Result<Vec<KeptAnswer>> {
                self.work(|connection| Box::pin(ledger::unapplied(connection))).await
            }

            async fn entitlements(&self, credential: Credential) -> Result<Vec<Entitlement>> {
                self.work(|connection| Box::pin(ledger::entitlements(connection, credential))).await
            }

            async fn learn_refusal(&self, credential: Credential, refused: Entitlement) -> Result<()> {
                self.write(|connection| Box::pin(ledger::learn_refusal(connection, credential, refused))).await
            }

            async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>> {
                self.work(|connection| Box::pin(history::last_fetch(connection, series))).await
            }

            async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>> {
                self.work(|connection| Box::pin(history::held(connection, symbol))).await
            }

            async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>> {
                self.work(|connection| Box::pin(history::bars(connection, query))).await
            }

            async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>> {
                self.work(move |connection| Box::pin(history::runs(connection, limit))).await
            }

            async fn run(&self, run: RunId) -> Result<Option<RunDetail>> {
                self.work(move |connection| Box::pin(history::run(connection, run))).await
            }

            async fn answer(&self, request: RequestId) -> Result<Option<StoredAnswer>> {
                self.work(move |connection| Box::pin(ledger::answer(connection, request))).await
            }
        }
    };
}
pub(super) use impl_store;
