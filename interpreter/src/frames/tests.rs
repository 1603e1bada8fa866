use proptest::prelude::*;
use witwire_ir::Id;
use witwire_ir::operation::http::{Framing, ItemEncoding, StreamBody};

use super::{Event, Events, Frame, FrameError, Lines, Records, Splitter};

/// Reads a body cut into pieces at these places.
fn events(body: &[u8], cuts: &[usize]) -> Vec<Event> {
    let mut reader = Events::new(1000);
    let mut found = Vec::new();
    for piece in pieces(body, cuts) {
        reader.push(piece);
        while let Some(event) = reader.take().expect("small events") {
            found.push(event);
        }
    }
    found
}

fn lines(body: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut reader = Lines::new(1000);
    let mut found = Vec::new();
    for piece in pieces(body, cuts) {
        reader.push(piece);
        while let Some(line) = reader.take().expect("small lines") {
            found.push(line);
        }
    }
    found.extend(reader.finish().expect("a small line"));
    found
}

fn pieces<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.insert(0, 0);
    cuts.push(body.len());
    cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

fn event(id: Option<&str>, event: Option<&str>, data: &str) -> Event {
    Event { id: id.map(str::to_owned), event: event.map(str::to_owned), data: data.to_owned() }
}

/// The examples of the standard's section 9.2.6, and the corners of its grammar.
#[test]
fn events_are_read_as_the_standard_says() {
    let cases: &[(&str, Vec<Event>)] = &[
        ("data: YHOO\ndata: +2\ndata: 10\n\n", vec![event(None, None, "YHOO\n+2\n10")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            vec![
                event(Some("1"), None, "first event"),
                event(None, None, "second event"),
                event(None, None, " third event"),
            ],
        ),
        ("data\n\ndata\ndata\n\ndata:", vec![event(None, None, ""), event(None, None, "\n")]),
        ("data:test\n\ndata: test\n\n", vec![event(None, None, "test"), event(None, None, "test")]),
        ("event: add\ndata: 1\n\ndata: 2\n\n", vec![event(None, Some("add"), "1"), event(None, None, "2")]),
        ("event: add\n\ndata: 1\n\n", vec![event(None, None, "1")]),
        ("id: 7\n\ndata: 1\n\n", vec![event(Some("7"), None, "1")]),
        ("id: 7\ndata: 1\n\nid: a\0b\ndata: 2\n\n", vec![event(Some("7"), None, "1"), event(Some("7"), None, "2")]),
        ("\u{feff}data: 1\n\n\u{feff}data: 2\n\n", vec![event(None, None, "1")]),
        (
            "data: a\r\rdata: b\r\n\r\ndata: c\n\r",
            vec![event(None, None, "a"), event(None, None, "b"), event(None, None, "c")],
        ),
        ("data: a:b\nfoo: c\n\n", vec![event(None, None, "a:b")]),
        ("data: unfinished\n", vec![]),
    ];
    for (body, expected) in cases {
        assert_eq!(events(body.as_bytes(), &[]), *expected, "{body:?}");
    }
    assert_eq!(events(b"data: \xff\n\n", &[]), [event(None, None, "\u{fffd}")]);
}

#[test]
fn a_stream_asks_for_a_wait() {
    let mut reader = Events::new(100);
    reader.push(b"retry: 1500\nretry: soon\n\n");
    assert_eq!(reader.take(), Ok(None));
    assert_eq!(reader.retry_milliseconds(), Some(1500));
}

#[test]
fn lines_are_json_texts() {
    assert_eq!(lines(b"{}\n\n  \r\n[1]\r\n\"last\"", &[]), ["{}", "[1]", "\"last\""]);
    assert_eq!(lines(b"", &[]), [""; 0]);
    let mut reader = Lines::new(10);
    reader.push(b"{}\n\xff\n");
    assert_eq!(reader.take(), Ok(Some("{}".to_owned())));
    assert_eq!(reader.take(), Err(FrameError::NotUtf8 { item: 1 }));
}

/// An item without an end is refused before it fills the memory.
#[test]
fn an_endless_item_is_refused() {
    let (mut events, mut lines) = (Events::new(10), Lines::new(10));
    events.push(b"data: 12345678");
    lines.push(b"12345678901");
    assert_eq!(events.take(), Err(FrameError::TooLarge { limit: 10 }));
    assert_eq!(lines.take(), Err(FrameError::TooLarge { limit: 10 }));
    let mut many = Events::new(10);
    many.push(b"data: 1234\ndata: 1234\ndata: 1234\n");
    assert_eq!(many.take(), Err(FrameError::TooLarge { limit: 10 }));
}

/// An item of the largest size is read, one byte more is refused, wherever the network cut it.
#[test]
fn the_limit_does_not_depend_on_cuts() {
    for (size, fits) in [(10, true), (11, false)] {
        let line = format!("{}\r\n", "x".repeat(size));
        let data = format!("data{}\r\n\r\n", ":".repeat(size - 4));
        for cut in 0..line.len() {
            let mut reader = Lines::new(10);
            let read = pieces(line.as_bytes(), &[cut]).into_iter().map(|piece| {
                reader.push(piece);
                reader.take()
            });
            assert_eq!(read.collect::<Result<Vec<_>, _>>().is_ok(), fits, "{line:?} cut at {cut}");
        }
        for cut in 0..data.len() {
            let mut reader = Events::new(10);
            let read = pieces(data.as_bytes(), &[cut]).into_iter().map(|piece| {
                reader.push(piece);
                reader.take()
            });
            assert_eq!(read.collect::<Result<Vec<_>, _>>().is_ok(), fits, "{data:?} cut at {cut}");
        }
    }
}

proptest! {
    /// Where the network cuts a body changes nothing.
    #[test]
    fn cuts_do_not_matter(
        body in prop::collection::vec(prop::sample::select(b"\r\n:data id\xEF\xBB\xBF\xC3\xA9".to_vec()), 0..60),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        prop_assert_eq!(events(&body, &cuts), events(&body, &[]));
        if std::str::from_utf8(&body).is_ok() {
            prop_assert_eq!(lines(&body, &cuts), lines(&body, &[]));
        }
    }
}

fn records(body: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut reader = Records::new(1000);
    let mut found = Vec::new();
    for piece in pieces(body, cuts) {
        reader.push(piece);
        while let Some(text) = reader.take().expect("small texts") {
            found.push(text);
        }
    }
    while let Some(text) = reader.finish().expect("a small text") {
        found.push(text);
    }
    found
}

/// RFC 7464: texts behind separators, also over several lines; one that is cut off by the next separator is given as it is.
#[test]
fn json_texts_are_told_apart() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\x1e1\n\x1e2\n", &["1", "2"]),
        ("\x1e{\n  \"a\": [\n1]\n}\n\x1e\"\\\"\n\"\n", &["{\n  \"a\": [\n1]\n}", "\"\\\"\n\""]),
        ("\x1e\x1e\n\x1e true \n", &[" true "]),
        ("\x1e{\"a\":\x1e{\"b\":1}\n", &["{\"a\":", "{\"b\":1}"]),
        ("\x1e{\"a\":\"}\"}", &["{\"a\":\"}\"}"]),
        ("{}\n{}\n", &["{}", "{}"]),
    ];
    for (body, expected) in cases {
        assert_eq!(records(body.as_bytes(), &[]), *expected, "{body:?}");
        let every: Vec<usize> = (0..body.len()).collect();
        assert_eq!(records(body.as_bytes(), &every), *expected, "byte by byte: {body:?}");
    }
}

/// A text is there as soon as its line ends, without waiting for the next separator.
#[test]
fn a_json_text_is_whole_at_the_end_of_its_line() {
    let mut reader = Records::new(10);
    reader.push(b"\x1e{\"a\":1}\n");
    assert_eq!(reader.take(), Ok(Some("{\"a\":1}".to_owned())));
    reader.push(b"\x1e[1,2,3,4,5,6]");
    assert_eq!(reader.take(), Err(FrameError::TooLarge { limit: 10 }));
}

fn splitter(framing: Framing, end: Option<&str>) -> Splitter {
    let stream = StreamBody {
        media_type: String::new(),
        framing,
        item: ItemEncoding::Json,
        ty: Id::new(0),
        end: end.map(str::to_owned),
    };
    Splitter::new(&stream, 100)
}

#[test]
fn a_splitter_gives_what_its_framing_cuts() {
    let text = |text: &str| Frame::Text(text.to_owned());
    let cases = [
        (Framing::Events, "data: 1\n\ndata: 2", vec![Frame::Event(event(None, None, "1"))]),
        (Framing::Lines, "1\n\n2", vec![text("1"), text("2")]),
        (Framing::Records, "\x1e1\n\x1e2", vec![text("1"), text("2")]),
        (Framing::Chunks, "12", vec![Frame::Bytes("12".into())]),
    ];
    for (framing, body, expected) in cases {
        let mut splitter = splitter(framing, None);
        assert_eq!(splitter.take(), Ok(None));
        assert!(!splitter.is_ended());
        splitter.push(body.into());
        let mut found = Vec::new();
        while let Some(frame) = splitter.take().expect("small items") {
            found.push(frame);
        }
        splitter.finish();
        while let Some(frame) = splitter.take().expect("small items") {
            found.push(frame);
        }
        assert_eq!(found, expected, "{framing:?}");
        assert!(splitter.is_ended());
    }
}

/// What stands behind the end is not looked at, though it has come.
#[test]
fn an_event_can_be_the_end() {
    let mut splitter = splitter(Framing::Events, Some("[DONE]"));
    splitter.push("data: 1\n\ndata: [DONE]\n\ndata: 2\n\n".into());
    assert_eq!(splitter.take(), Ok(Some(Frame::Event(event(None, None, "1")))));
    assert!(!splitter.is_ended());
    assert_eq!(splitter.take(), Ok(None));
    assert!(splitter.is_ended());
    assert_eq!(splitter.take(), Ok(None));
}
