//! Example values.

use proptest::prelude::*;
use witwire_ir::sample::{SplitMix64, sample, sample_arguments};
use witwire_ir::wave::{parse_call, print_call};
use witwire_ir::{Check, Format, Number, Shape, Value};

use crate::arbitrary;
use crate::small::Builder;

proptest! {
    #[test]
    fn an_example_is_of_its_type(api in arbitrary::api(), seed in any::<u64>()) {
        for ty in api.types.ids() {
            let value = sample(&api, ty, &mut SplitMix64::new(seed));
            prop_assert_eq!(value.conforms(&api, ty), Ok(()));
            prop_assert_eq!(sample(&api, ty, &mut SplitMix64::new(seed)), value);
        }
        for (id, operation) in api.operations.iter() {
            let args = sample_arguments(&api, operation, &mut SplitMix64::new(seed));
            let text = print_call(&api, id, &args);
            prop_assert_eq!(parse_call(&api, &text).map(|c| c.args).map_err(|e| e.to_string()), Ok(args));
        }
    }

    #[test]
    fn integers_keep_their_rules(low in -1000i64..1000, span in 0i64..1000, step in 1i64..9, seed in any::<u64>()) {
        let mut b = Builder::new();
        let ty = b.inline(Shape::S64);
        let checks = |low: i64| vec![
            Check::Minimum(Number::Int(low.into())),
            Check::ExclusiveMaximum(Number::Int((low + span + step).into())),
            Check::MultipleOf(Number::Int(step.into())),
        ];
        b.api.types[ty].checks = checks(low);
        let Value::S64(n) = sample(&b.api, ty, &mut SplitMix64::new(seed)) else { panic!("another shape") };
        prop_assert!(n >= low && n < low + span + step && n % step == 0, "{n}");

        let ty = b.inline(Shape::F64);
        b.api.types[ty].checks = checks(low);
        let Value::F64(n) = sample(&b.api, ty, &mut SplitMix64::new(seed)) else { panic!("another shape") };
        prop_assert!(n >= low as f64 && n < (low + span + step) as f64 && n % step as f64 == 0.0, "{n}");
    }

    #[test]
    fn lengths_keep_their_rules(min in 0u64..40, span in 0u64..40, seed in any::<u64>()) {
        let mut b = Builder::new();
        let string = b.inline(Shape::String);
        b.api.types[string].checks = vec![Check::MinLength(min), Check::MaxLength(min + span)];
        let Value::String(s) = sample(&b.api, string, &mut SplitMix64::new(seed)) else { panic!("another shape") };
        prop_assert!((min..=min + span).contains(&(s.chars().count() as u64)), "{s}");

        let number = b.inline(Shape::U64);
        b.api.types[number].checks = vec![Check::Maximum(Number::Int(1000)), Check::Minimum(Number::Int(0))];
        let list = b.inline(Shape::List(number));
        b.api.types[list].checks = vec![Check::MinItems(min), Check::MaxItems(min + span), Check::UniqueItems];
        let Value::List(items) = sample(&b.api, list, &mut SplitMix64::new(seed)) else { panic!("another shape") };
        prop_assert!((min..=min + span).contains(&(items.len() as u64)), "{}", items.len());
        prop_assert!(items.iter().enumerate().all(|(i, v)| !items[..i].contains(v)));
    }

    #[test]
    fn property_counts_keep_their_rules(min in 0u64..6, span in 0u64..6, seed in any::<u64>()) {
        let mut b = Builder::new();
        let string = b.inline(Shape::String);
        let option = b.inline(Shape::Option(string));
        let names: Vec<String> = (0..6).map(|i| format!("f{i}")).collect();
        let fields: Vec<_> = names.iter().map(|n| (n.as_str(), option, None)).collect();
        let record = b.fields(&fields);
        let record = b.inline(record);
        b.api.types[record].checks = vec![Check::MinProperties(min), Check::MaxProperties(min + span)];
        let Value::Record(slots) = sample(&b.api, record, &mut SplitMix64::new(seed)) else { panic!("another shape") };
        let present = slots.iter().filter(|v| **v != Value::none()).count() as u64;
        prop_assert!((min..=min + span).contains(&present), "{present}");
    }
}

#[test]
fn formats_have_their_forms() {
    let mut b = Builder::new();
    let ty = b.inline(Shape::String);
    let mut text = |format: Format| {
        b.api.types[ty].checks = vec![Check::Format(format)];
        match sample(&b.api, ty, &mut SplitMix64::new(7)) {
            Value::String(s) => s.into_string(),
            other => panic!("{other:?}"),
        }
    };
    let form = |s: &str| -> String {
        s.chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    '0'
                } else if c.is_ascii_hexdigit() {
                    'a'
                } else {
                    c
                }
            })
            .collect()
    };
    assert_eq!(form(&text(Format::DateTime)), "0000-00-00T00:00:00Z");
    assert_eq!(form(&text(Format::Date)), "0000-00-00");
    assert_eq!(form(&text(Format::Time)), "00:00:00Z");
    let uuid = text(Format::Uuid);
    assert_eq!((uuid.len(), &uuid[14..15], uuid.split('-').count()), (36, "4", 5));
    assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    assert!(text(Format::Ipv4).parse::<std::net::Ipv4Addr>().is_ok());
    assert!(text(Format::Ipv6).parse::<std::net::Ipv6Addr>().is_ok());
    assert!(text(Format::Email).ends_with("@example.com"));
    assert!(text(Format::Uri).starts_with("https://example.com/"));
    assert!(text(Format::Hostname).ends_with(".example.com"));
    assert!(text(Format::Duration).starts_with("PT"));
}
