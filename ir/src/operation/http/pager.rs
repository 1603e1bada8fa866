//! Operations whose result comes in pages.

use serde::{Deserialize, Serialize};

use crate::operation::Place;

/// How the request of the next page follows from a page.
///
/// All places in a page are slots from the type of a page, outermost first; options on the way are looked through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pager {
    /// The page has the header `Link`, whose relation `next` is the URL of the next page (RFC 8288).
    Link {
        /// Where the header stands, a string.
        header: Vec<u16>,
    },
    /// The page names the URL of the next one.
    Url {
        /// Where it stands, a string.
        url: Vec<u16>,
    },
    /// The page holds what is to be sent for the next one.
    Cursor {
        /// Where it stands: a string or an integer.
        cursor: Vec<u16>,
        /// The argument that takes it, of the same kind.
        argument: Place,
    },
    /// Pages are numbered.
    Page {
        /// The argument that takes the number, an integer.
        argument: Place,
        /// The number of the first page, where the argument is absent.
        first: u32,
        /// Where the page's items stand, a list; a page without any is the last.
        items: Option<Vec<u16>>,
        /// Where it stands how many pages there are, an integer.
        pages: Option<Vec<u16>>,
    },
    /// Items are numbered.
    Offset {
        /// The argument that takes the number of the page's first item, an integer.
        argument: Place,
        /// That of the first page, where the argument is absent.
        first: u32,
        /// Where the page's items stand, a list; a page without any is the last.
        items: Vec<u16>,
        /// The argument that says how many items a page has at most, an integer. A page with fewer is the last.
        limit: Option<Place>,
    },
}

impl Pager {
    /// Whether the request of a further page is a URL that the page named.
    pub const fn follows_urls(&self) -> bool {
        matches!(self, Self::Link { .. } | Self::Url { .. })
    }
}
