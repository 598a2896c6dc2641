//! The way to the server.

use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, Pipeline,
    RedisError, RedisResult,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::state::{StateError, StoreNameError};
use crate::types::Secret;

/// A server, and the connection to it while there is one.
pub(super) struct Server {
    /// Without the password.
    name: String,
    password: Secret,
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Server {
    pub(super) fn new(address: &str) -> Result<Self, StoreNameError> {
        let client = Client::open(address);
        // Its detail may be a part of the address.
        let wrong =
            |error: RedisError| StoreNameError::Address { reason: error.category().to_owned() };
        let client = client.map_err(wrong)?;
        let info = client.get_connection_info();
        let number = info.redis_settings().db();
        let name = match info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("redis://{host}:{port}/{number}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("rediss://{host}:{port}/{number}"),
            ConnectionAddr::Unix(path) => format!("redis+unix://{}?db={number}", path.display()),
            other => format!("redis://{other}/{number}"),
        };
        let password = Secret::new(info.redis_settings().password().unwrap_or_default());
        Ok(Self { name, password, client, connection: Mutex::default() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks the server.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        question: impl Into<Question>,
    ) -> Result<T, StateError> {
        self.ask_twice(question).await.map(|(answer, _)| answer)
    }

    /// Asks the server. If it has closed the connection since the last time, that is made anew, and
    /// the server asked again; which is told, since it may have heard the first time as well.
    pub(super) async fn ask_twice<T: FromRedisValue>(
        &self,
        question: impl Into<Question>,
    ) -> Result<(T, bool), StateError> {
        let question = question.into();
        let (mut connection, is_used) = self.connection().await?;
        let mut answer = question.put(&mut connection).await;
        let again = is_used && answer.as_ref().is_err_and(RedisError::is_connection_dropped);
        if again {
            self.forget().await;
            (connection, _) = self.connection().await?;
            answer = question.put(&mut connection).await;
        }
        match answer {
            Ok(answer) => Ok((answer, again)),
            Err(error) => {
                if error.is_io_error() || error.is_unrecoverable_error() {
                    self.forget().await;
                }
                Err(self.failure(&error))
            }
        }
    }

    /// The connection, and whether it was used before.
    async fn connection(&self) -> Result<(MultiplexedConnection, bool), StateError> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok((connection.clone(), true));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let connect = self.client.get_multiplexed_async_connection_with_config(&config);
        // To find the host, and to be let in, takes time as well.
        let made = timeout(LIMIT, connect).await.map_err(|_| self.late())?;
        let made = made.map_err(|error| self.failure(&error))?;
        *connection = Some(made.clone());
        Ok((made, false))
    }

    async fn forget(&self) {
        *self.connection.lock().await = None;
    }

    fn failure(&self, error: &RedisError) -> StateError {
        let place = self.name.clone();
        let reason = match self.password.expose().len() {
            // Of one letter there would be nothing left to read.
            0..4 => error.category().to_owned(),
            _ => self.password.removed_from(&error.to_string()),
        };
        match error.code() {
            _ if error.is_timeout() => self.late(),
            Some("OOM") => StateError::Full { place, reason },
            Some("LOADING" | "BUSY" | "TRYAGAIN") => StateError::Unreachable { place, reason },
            _ if error.kind() == ErrorKind::Io => StateError::Unreachable { place, reason },
            _ => StateError::Failed { place, reason },
        }
    }

    fn late(&self) -> StateError {
        StateError::Late { place: self.name.clone(), limit: LIMIT }
    }
}

/// What a server is asked: one thing, or several at once.
pub(super) enum Question {
    One(Cmd),
    All(Pipeline),
}

impl From<Cmd> for Question {
    fn from(one: Cmd) -> Self {
        Self::One(one)
    }
}

impl From<Pipeline> for Question {
    fn from(all: Pipeline) -> Self {
        Self::All(all)
    }
}

impl Question {
    async fn put<T: FromRedisValue>(&self, to: &mut MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::One(one) => one.query_async(to).await,
            Self::All(all) => all.query_async(to).await,
        }
    }
}

/// To connect, and for an answer.
const LIMIT: Duration = Duration::from_secs(2);
