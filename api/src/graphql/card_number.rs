//! A card number between the request and the payment gateway: never shown, never stored, wiped when dropped.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Value};
use secrecy::SecretString;

/// A `String` of the schema that cannot be printed.
#[derive(Debug, Clone)]
pub(crate) struct CardNumber(pub(crate) SecretString);

impl InputType for CardNumber {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <String as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(digits)) => Ok(Self(SecretString::from(digits))),
            _ => Err(InputValueError::custom("the card number must be a text")),
        }
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
