//! Scalars.

use witwire_ir::Value;
use witwire_ir::wire::proto::Scalar;

use super::super::reader::Reader;
use super::Decoded;

#[inline]
pub(super) fn read_scalar(reader: &mut Reader<'_>, scalar: Scalar) -> Decoded<Value> {
    Ok(match scalar {
        Scalar::String => Value::String(reader.string()?.into()),
        Scalar::StringUnverified => Value::String(String::from_utf8_lossy(reader.bytes()?).into()),
        Scalar::Bytes => Value::Bytes(reader.bytes()?.into()),
        Scalar::Bool => Value::Bool(reader.varint()? != 0),
        Scalar::Int32 => Value::S32(reader.varint()? as i32),
        Scalar::Int64 => Value::S64(reader.varint()? as i64),
        Scalar::Uint32 => Value::U32(reader.varint()? as u32),
        Scalar::Uint64 => Value::U64(reader.varint()?),
        Scalar::Sint32 => {
            let v = reader.varint()? as u32;
            Value::S32((v >> 1) as i32 ^ -((v & 1) as i32))
        }
        Scalar::Sint64 => {
            let v = reader.varint()?;
            Value::S64((v >> 1) as i64 ^ -((v & 1) as i64))
        }
        Scalar::Fixed32 => Value::U32(u32::from_le_bytes(reader.fixed32()?)),
        Scalar::Fixed64 => Value::U64(u64::from_le_bytes(reader.fixed64()?)),
        Scalar::Sfixed32 => Value::S32(i32::from_le_bytes(reader.fixed32()?)),
        Scalar::Sfixed64 => Value::S64(i64::from_le_bytes(reader.fixed64()?)),
        Scalar::Float => Value::F32(f32::from_le_bytes(reader.fixed32()?)),
        Scalar::Double => Value::F64(f64::from_le_bytes(reader.fixed64()?)),
    })
}
