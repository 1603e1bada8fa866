//! Any bytes as a body in pieces. Where it was cut says nothing.

use std::fmt::Debug;

use bytes::Bytes;
use witwire_interpreter::frames::{Frame, FrameError, Splitter};
use witwire_ir::operation::http::{Framing, ItemEncoding, StreamBody};
use witwire_ir::{Id, TypeId};

use crate::source::Source;

/// Small, so that the limit is met.
const LIMIT: usize = 64;

pub(crate) fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let sizes = [source.byte(), source.byte()].map(|size| usize::from(size % 16) + 1);
    let body = source.rest();
    same(body, sizes, |pieces| items(Framing::Events, pieces));
    same(body, sizes, |pieces| items(Framing::Lines, pieces));
    same(body, sizes, |pieces| items(Framing::Records, pieces));
}

fn same<T: Debug + PartialEq>(body: &[u8], sizes: [usize; 2], read: fn(&[&[u8]]) -> T) {
    let whole = read(&[body]);
    assert_eq!(read(&pieces(body, sizes)), whole, "in pieces it is the same");
}

/// The body in pieces of two sizes in turn.
fn pieces(mut body: &[u8], sizes: [usize; 2]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    for size in sizes.into_iter().cycle() {
        if body.is_empty() {
            return pieces;
        }
        let (piece, rest) = body.split_at(size.min(body.len()));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

fn stream(framing: Framing) -> StreamBody {
    let end = (framing == Framing::Events).then(|| "[DONE]".to_owned());
    StreamBody { media_type: "*/*".to_owned(), framing, item: ItemEncoding::Json, ty: TypeId::new(0), end }
}

fn items(framing: Framing, pieces: &[&[u8]]) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut splitter = Splitter::new(&stream(framing), LIMIT);
    let mut found = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        match splitter.take() {
            Ok(Some(item)) => found.push(item),
            Err(error) => return (found, Err(error)),
            Ok(None) if splitter.is_ended() => return (found, Ok(())),
            Ok(None) => match pieces.next() {
                Some(piece) => splitter.push(Bytes::copy_from_slice(piece)),
                None => splitter.finish(),
            },
        }
    }
}
