//! Where a request goes: which address of its source, which path below it, which query. The key is no
//! part of it.

use url::Url;

/// Where a request goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Which of the source's addresses, in the order in which it declares them.
    pub address: usize,
    /// The path below that address; empty: the address itself.
    pub path: String,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
}

/// The route of a request, from its endpoint and its parameters.
pub type RouteOf = fn(&str, Vec<(String, String)>) -> Route;

impl Route {
    /// To the first address as it is.
    #[must_use]
    pub fn at_address(_endpoint: &str, query: Vec<(String, String)>) -> Self {
        Self {
            query,
            ..Self::default()
        }
    }

    /// To the path that the endpoint is.
    #[must_use]
    pub fn by_endpoint(endpoint: &str, query: Vec<(String, String)>) -> Self {
        Self {
            path: endpoint.to_owned(),
            query,
            ..Self::default()
        }
    }

    /// The path below an address, with the query.
    #[must_use]
    pub fn url(&self, address: &Url) -> Url {
        let mut url = address.clone();
        if !self.path.is_empty()
            && let Ok(mut segments) = url.path_segments_mut()
        {
            segments.pop_if_empty().extend(self.path.split('/'));
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}
