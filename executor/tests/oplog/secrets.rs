//! No credential reaches the disk or a text for people.

use std::fs;

use witwire_executor::oplog::{
    Class, Completed, Digest, Entry, Event, Finished, IrDigest, Ordinal, Outcome, RandomBytes, Recorded, Started, Store,
    Timestamp, Wave, request_digest,
};
use witwire_executor::oplog::{FunctionName, Invoked};
use witwire_ir::{Place, Value};

use super::{block_on, create, key, open, worker};

const TOKEN: &str = "tok3n-that-nobody-may-see";
const PAYLOAD: &str = "payl0ad-that-no-log-may-show";

pub(super) fn nothing_secret_is_written_or_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    block_on(async {
        let store = open(&path);
        let lease = create(&store, "w").await;
        let row = store.worker(&worker("w")).await.unwrap().unwrap();
        let function = FunctionName::of("a:b/c@1.0.0", "f");
        // An argument with `auth` in its first slot, as guests pass it.
        let mut arguments =
            vec![Value::some(Value::record([Value::record([Value::string(TOKEN)]), Value::string(PAYLOAD)]))];
        Place::slot(0, 0).empty(&mut arguments);
        let started = Started {
            function: function.clone(),
            ir: IrDigest(Digest::of(b"ir")),
            digest: request_digest(&row.digest_key, &function, &arguments),
            request: Recorded::Typed(arguments),
            class: Class::Unsafe,
            key: None,
        };
        let invoked = Invoked {
            invocation: 0,
            key: key("k"),
            function,
            arguments: vec![Wave::new(PAYLOAD)],
            component: row.component,
            irs: Vec::new(),
        };
        let events: [Event; 5] = [
            invoked.into(),
            started.into(),
            Finished { call: Ordinal::new(1), response: Value::ok(Some(Value::string(PAYLOAD))), beside: None }.into(),
            RandomBytes(PAYLOAD.as_bytes().into()).into(),
            Completed { invocation: 0, outcome: Outcome::Returned(Some(Wave::new(PAYLOAD))) }.into(),
        ];
        let entries: Vec<Entry> = events.into_iter().map(|e| Entry::new(Timestamp::from_millis(0), e)).collect();
        let shown = format!("{entries:?} {row:?} {lease:?} {store:?}");
        assert!(!shown.contains(PAYLOAD) && !shown.contains(TOKEN), "{shown}");
        let decimal = format!("{:?}", &row.digest_key.as_bytes()[..4]);
        assert!(!shown.contains(decimal.trim_matches(['[', ']'])), "the digest key is shown");
        store.append(&lease, Ordinal::ZERO, entries).durable().await.unwrap();

        // While the store is open, its log is a file of its own; after closing, all is in the database.
        let contains = |needle: &str| {
            let files = fs::read_dir(directory.path()).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_file());
            files.filter(|p| fs::read(p).unwrap().windows(needle.len()).any(|w| w == needle.as_bytes())).count()
        };
        assert!(contains(PAYLOAD) > 0, "the search finds what is there");
        assert_eq!(contains(TOKEN), 0);
        drop(store);
        assert!(contains(PAYLOAD) > 0);
        assert_eq!(contains(TOKEN), 0);
    });
}
