//! The settings of one call from the command line, as the argument `call` that a component would pass.

use witwire_ir::host::call::{Compression, SLOTS};
use witwire_ir::host::grpc::MetadataValue;
use witwire_ir::{Api, Protocol, Value, wave};

use crate::args::CallSettingArgs;
use crate::error::CliError;

impl CallSettingArgs {
    /// Whether any is given.
    pub(crate) fn are_given(&self) -> bool {
        !self.metadata.is_empty() || self.deadline.is_some() || self.compression.is_some() || self.idempotency_key.is_some()
    }

    /// Puts the settings into the arguments of a call.
    pub(crate) fn put_into(&self, api: &Api, call: &mut wave::WaveCall) -> Result<(), CliError> {
        if !self.are_given() {
            return Ok(());
        }
        let operation = &api.operations[call.operation];
        let position = api.settings(operation).ok_or_else(|| {
            let what = "the API was compiled without settings of calls; compile it with `--manifest calls=explicit`";
            CliError::Usage(what.to_owned())
        })?;
        if call.args[position] != Value::none() {
            let what = "the call's own settings stand in the call already; give them there or as options, not both";
            return Err(CliError::Usage(what.to_owned()));
        }
        let entries = self.metadata.iter().map(|entry| pair(api.protocol, entry)).collect::<Result<Box<[_]>, _>>()?;
        let slots: [Value; SLOTS] = [
            Value::List(entries),
            Value::option(self.deadline.map(Value::U64)),
            Value::option(self.compression.map(|c| Value::Enum(Compression::from(c) as u32))),
            Value::option(self.idempotency_key.as_deref().map(Value::string)),
        ];
        call.args[position] = Value::some(Value::record(slots));
        Ok(())
    }
}

fn pair(protocol: Protocol, entry: &str) -> Result<Value, CliError> {
    let wrong = |what: &str| CliError::Usage(format!("`--metadata` and `--header` are written {what}"));
    let (name, value) = entry.split_once('=').ok_or_else(|| wrong("`NAME=VALUE`"))?;
    let value = match protocol {
        Protocol::Http => Value::string(value),
        Protocol::Grpc if name.ends_with("-bin") => {
            let bytes =
                unhex(value).ok_or_else(|| wrong("`NAME-bin=HEX` where the key ends in `-bin`: `trace-bin=00ff`"))?;
            Value::case(MetadataValue::Binary as u32, Value::Bytes(bytes.into()))
        }
        Protocol::Grpc => Value::case(MetadataValue::Ascii as u32, Value::string(value)),
    };
    Ok(Value::tuple([Value::string(name), value]))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_metadata_are_hexadecimal() {
        for (text, bytes) in [("", Some(vec![])), ("00fF", Some(vec![0, 255])), ("0", None), ("0g", None), ("é0", None)] {
            assert_eq!(unhex(text), bytes, "{text}");
        }
    }
}
