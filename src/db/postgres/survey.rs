//! What a server is and allows, checked before anything is written: a problem that a person must
//! fix ends the start with a sentence, and is not retried.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, FromRow, Row as _, raw_sql};

use super::super::error::{self, DbError, DbErrorKind};
use super::super::schema::{self, Schema};
use super::super::{Access, Result};
use super::session::Sessions;
use super::{CONNECT, MIGRATIONS, within};

/// Connections besides those of the pool: the lock of a run and that of the schedule.
const LOCKS: u32 = 2;
/// With fewer, no query could run while both locks are held.
const LEAST: u32 = LOCKS + 1;
/// Enough for one process at full speed; the number that messages suggest.
const AMPLE: u32 = super::pool::MOST + LOCKS;
/// How often to check that a session has not moved.
const LOOKS: usize = 3;

/// What a survey found.
pub struct Survey {
    pub schema: Schema,
    /// Where missing tables are created.
    pub home: String,
    /// The server's version.
    pub version: String,
    /// How many connections the pool may have.
    pub pool: u32,
}

#[derive(FromRow)]
struct Facts {
    pid: i32,
    version: String,
    role: String,
    is_standby: bool,
    is_read_only: bool,
    read_only_since: String,
    home: Option<String>,
    search_path: String,
    may_create: bool,
    database: String,
    role_limit: Option<i32>,
    database_limit: Option<i32>,
}

/// In one statement of the simple protocol, which leaves nothing behind in a session that others share.
const FACTS: &str = "
SELECT pg_backend_pid() AS pid,
       current_setting('server_version') AS version,
       quote_ident(current_user) AS role,
       pg_is_in_recovery() AS is_standby,
       current_setting('transaction_read_only') = 'on' AS is_read_only,
       (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only_since,
       quote_ident(current_schema()) AS home,
       current_setting('search_path') AS search_path,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
       quote_ident(current_database()) AS database,
       (SELECT rolconnlimit FROM pg_roles
        WHERE rolname = session_user AND rolconnlimit >= 0 AND NOT rolsuper) AS role_limit,
       (SELECT d.datconnlimit FROM pg_database d, pg_roles r
        WHERE d.datname = current_database() AND d.datconnlimit >= 0
          AND r.rolname = session_user AND NOT r.rolsuper) AS database_limit";

/// Surveys the server over a session without any settings.
pub async fn survey(
    connection: &mut PgConnection,
    sessions: &Sessions,
    place: &str,
) -> Result<Survey> {
    let sql = |e: sqlx::Error| error::postgres(e, place);
    let facts = Facts::from_row(&simple(connection, FACTS).await.map_err(sql)?).map_err(sql)?;
    let pool = room(&facts, place)?;
    require_a_session(connection, facts.pid, sessions, place).await?;
    if sessions.access == Access::ReadWrite {
        require_writable(&facts, place)?;
    }
    let schema = tables(connection, &facts, sessions.access, place).await?;
    Ok(Survey {
        schema,
        home: facts.home.unwrap_or_default(),
        version: facts.version,
        pool,
    })
}

async fn simple(
    connection: &mut PgConnection,
    statement: &'static str,
) -> std::result::Result<PgRow, sqlx::Error> {
    raw_sql(statement).fetch_one(connection).await
}

/// The server process that answers right now.
async fn pid_of(connection: &mut PgConnection) -> std::result::Result<i32, sqlx::Error> {
    simple(connection, "SELECT pg_backend_pid()")
        .await?
        .try_get(0)
}

fn refused(text: String) -> DbError {
    DbError::new(DbErrorKind::Refused, text)
}

/// How many connections the pool may have within the limits of the role and the database.
fn room(facts: &Facts, place: &str) -> Result<u32> {
    let Facts { role, database, .. } = facts;
    let limits = [
        (
            facts.role_limit,
            format!("the role {role}"),
            format!("ROLE {role}"),
        ),
        (
            facts.database_limit,
            format!("the database {database}"),
            format!("DATABASE {database}"),
        ),
    ];
    let mut pool = super::pool::MOST;
    for (limit, who, what) in limits {
        let Some(limit) = limit.and_then(|limit| u32::try_from(limit).ok()) else {
            continue;
        };
        if limit < LEAST {
            return Err(refused(format!(
                "{who} has a connection limit of {limit} on PostgreSQL at {place}, and pipeline-tui needs {LEAST}; \
                 raise it: ALTER {what} CONNECTION LIMIT {AMPLE}"
            )));
        }
        pool = pool.min(limit - LOCKS);
    }
    Ok(pool)
}

/// Refuses a pooler that shares sessions between transactions: locks that live as long as a
/// session, its settings and its prepared statements would be shared too.
async fn require_a_session(
    connection: &mut PgConnection,
    pid: i32,
    sessions: &Sessions,
    place: &str,
) -> Result<()> {
    let sql = |e: sqlx::Error| error::postgres(e, place);
    let mut second = within(CONNECT, place, sessions.bare())
        .await?
        .map_err(sql)?;
    let is_shared = within(CONNECT, place, async {
        // While the second session is in a transaction, nobody else has the server process behind it.
        raw_sql("BEGIN").execute(&mut second).await?;
        let mut is_shared = pid == pid_of(&mut second).await?;
        for _ in 0..LOOKS {
            is_shared = is_shared || pid != pid_of(connection).await?;
        }
        Ok(is_shared)
    })
    .await;
    let _ = second.close().await;
    if is_shared?.map_err(sql)? {
        Err(error::transaction_pooler(place, "it shares sessions"))
    } else {
        Ok(())
    }
}

fn require_writable(facts: &Facts, place: &str) -> Result<()> {
    let Facts { role, database, .. } = facts;
    if facts.is_standby {
        return Err(DbError::new(
            DbErrorKind::ReadOnly,
            format!(
                "PostgreSQL at {place} is a standby, which can only be read; connect to the primary server"
            ),
        ));
    }
    if facts.is_read_only {
        let (whose, how) = match facts.read_only_since.as_str() {
            "database" => (
                format!("for the database {database}"),
                format!("ALTER DATABASE {database} RESET default_transaction_read_only"),
            ),
            "user" => (
                format!("for the role {role}"),
                format!("ALTER ROLE {role} RESET default_transaction_read_only"),
            ),
            "database user" => (
                format!("for the role {role} in the database {database}"),
                format!(
                    "ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only"
                ),
            ),
            "client" => ("by DATABASE_URL".to_owned(), "remove it there".to_owned()),
            _ => (
                "for the server".to_owned(),
                "the server's owner must switch it on again".to_owned(),
            ),
        };
        return Err(DbError::new(
            DbErrorKind::ReadOnly,
            format!(
                "writing to PostgreSQL at {place} is switched off {whose} (default_transaction_read_only), as \
                 hosting services do when a disk is full; once there is space: {how}"
            ),
        ));
    }
    Ok(())
}

/// What the tables are, and whether they may be used or created.
async fn tables(
    connection: &mut PgConnection,
    facts: &Facts,
    access: Access,
    place: &str,
) -> Result<Schema> {
    // In this order: what another process creates in between is seen together with its migrations.
    let mut taken = taken(connection, place).await?;
    let original = taken.iter().position(|(table, _)| table == "stock_data");
    let original = match original {
        Some(at) if is_original(connection, place).await? => Some(taken.remove(at)),
        _ => None,
    };
    let applied = applied(connection, place).await?;
    let judged = match applied {
        Listed::Readable(applied, is_home) => schema::judge(&MIGRATIONS, &applied).ok_or(is_home),
        Listed::Unreadable(is_home) => Err(is_home),
    };
    let schema = match judged {
        Ok(judged) => judged?,
        Err(true) => return Err(foreign(place, facts, "_sqlx_migrations", None)),
        // Ours will come before it in the search_path.
        Err(false) => Schema::Missing,
    };
    match schema {
        Schema::Missing | Schema::Original => match taken.first() {
            Some((table, owner)) => Err(foreign(place, facts, table, Some(owner))),
            None if original.is_some() => Ok(Schema::Original),
            None => require_a_home(facts, access, place),
        },
        Schema::Older => Ok(Schema::Older),
        Schema::Current => require_use(connection, access, facts, place).await,
    }
}

/// The columns of the table that the pipeline which this program replaces made. It had no interval.
const ORIGINAL: [&str; 10] = [
    "id",
    "symbol",
    "timestamp",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "volume",
    "created_at",
    "updated_at",
];

/// Whether the table `stock_data` is that of the pipeline which this program replaces.
async fn is_original(connection: &mut PgConnection, place: &str) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE a.attname = ANY ($1)) = cardinality($1) \
            AND count(*) FILTER (WHERE a.attname IN ('interval', 'adjusted')) = 0 \
            AND bool_or(a.attname = 'timestamp' AND a.atttypid = 'timestamp'::regtype) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE n.nspname = current_schema() AND c.relname = 'stock_data' AND c.relkind = 'r'",
    )
    .bind(&ORIGINAL[..])
    .fetch_one(connection)
    .await
    .map(|is_original: Option<bool>| is_original.unwrap_or(false))
    .map_err(|e| error::postgres(e, place))
}

/// What has a needed name where tables would be created, each with its owner.
async fn taken(connection: &mut PgConnection, place: &str) -> Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT c.relname::text, quote_ident(r.rolname) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relname = ANY ($1) ORDER BY 1",
    )
    .bind(names())
    .fetch_all(connection)
    .await
    .map_err(|e| error::postgres(e, place))
}

/// The migrations that a query finds, and whether that is where ours would be.
enum Listed {
    Readable(Vec<(i64, Vec<u8>)>, bool),
    /// The list is not the migrator's.
    Unreadable(bool),
}

async fn applied(connection: &mut PgConnection, place: &str) -> Result<Listed> {
    let sql = |e: sqlx::Error| error::postgres(e, place);
    let is_home: Option<bool> = sqlx::query_scalar(
        "SELECT coalesce(n.nspname = current_schema(), false) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = to_regclass('_sqlx_migrations')",
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(sql)?;
    let Some(is_home) = is_home else {
        return Ok(Listed::Readable(Vec::new(), true));
    };
    let listed = sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success");
    match listed.fetch_all(connection).await {
        Ok(applied) => Ok(Listed::Readable(applied, is_home)),
        Err(sqlx::Error::ColumnDecode { .. }) => Ok(Listed::Unreadable(is_home)),
        // No such column.
        Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("42703") => {
            Ok(Listed::Unreadable(is_home))
        }
        Err(e) => Err(sql(e)),
    }
}

/// Whether tables can be created if there are none of ours.
fn require_a_home(facts: &Facts, access: Access, place: &str) -> Result<Schema> {
    let Facts {
        role, search_path, ..
    } = facts;
    let Some(home) = &facts.home else {
        return Err(refused(format!(
            "the search_path of {role} on PostgreSQL at {place} ({search_path}) names no schema \
            that exists and may be used; create one, or: ALTER ROLE {role} SET search_path = public"
        )));
    };
    if access == Access::ReadWrite && !facts.may_create {
        return Err(refused(format!(
            "{role} may not create tables in the schema {home} of PostgreSQL at {place}; \
             GRANT CREATE ON SCHEMA {home} TO {role}, or use a role that may"
        )));
    }
    Ok(Schema::Missing)
}

fn names() -> Vec<&'static str> {
    let tables = schema::tables(&MIGRATIONS).into_iter();
    tables.map(|(table, _)| table).collect()
}

/// Whether all tables exist and the role may use them.
async fn require_use(
    connection: &mut PgConnection,
    access: Access,
    facts: &Facts,
    place: &str,
) -> Result<Schema> {
    let has: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, a.attname::text FROM unnest($1::text[]) AS name \
         JOIN pg_attribute a ON a.attrelid = to_regclass(name) AND a.attnum > 0 AND NOT a.attisdropped",
    )
    .bind(names())
    .fetch_all(&mut *connection)
    .await
    .map_err(|e| error::postgres(e, place))?;
    if let Some(lacking) = schema::lacks(&MIGRATIONS, &has) {
        return Err(schema::incomplete(
            &lacking,
            &format!("PostgreSQL at {place}"),
        ));
    }
    let wanted: &[&str] = match access {
        Access::ReadOnly => &["SELECT"],
        Access::ReadWrite => &["SELECT", "INSERT", "UPDATE", "DELETE"],
    };
    let forbidden: Option<(String, String)> = sqlx::query_as(
        "SELECT c.relname::text, quote_ident(n.nspname) FROM unnest($1::text[]) AS name \
         JOIN pg_class c ON c.oid = to_regclass(name) JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE EXISTS (SELECT 1 FROM unnest($2::text[]) AS wanted WHERE NOT has_table_privilege(c.oid, wanted)) \
         ORDER BY 1 LIMIT 1",
    )
    .bind(names())
    .bind(wanted)
    .fetch_optional(connection)
    .await
    .map_err(|e| error::postgres(e, place))?;
    let Some((table, home)) = forbidden else {
        return Ok(Schema::Current);
    };
    let (role, wanted) = (&facts.role, wanted.join(", "));
    Err(refused(format!(
        "{role} may not use the table {table} of PostgreSQL at {place}; \
         GRANT {wanted} ON ALL TABLES IN SCHEMA {home} TO {role}, or use the role that owns it"
    )))
}

/// Tables of another program with names that are needed.
fn foreign(place: &str, facts: &Facts, table: &str, owner: Option<&str>) -> DbError {
    let home = facts.home.as_deref().unwrap_or_default();
    let owner = owner.map_or_else(String::new, |owner| format!(", owned by {owner}"));
    let whose = if table == "stock_data" {
        "does not belong to pipeline-tui; the pipeline that it replaces stores its bars under this name"
    } else {
        "belongs to another program"
    };
    DbError::new(
        DbErrorKind::NotADatabase,
        format!(
            "the table {table} in the schema {home} of PostgreSQL at {place}{owner} {whose}. It \
            was left unchanged: use another database, give {} its own search_path, or rename the table",
            facts.role
        ),
    )
}
