//! Orders out of a seeded generator: the same seed gives the same orders.

use std::sync::Arc;

use arrow_array::builder::{
    Decimal128Builder, Int64Builder, ListBuilder, StringViewBuilder, StructBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The columns of an order, as the demo's table declares them.
pub(crate) const COLUMNS: &str = "  id         BIGINT,
  customer   STRING,
  price      DECIMAL(10, 2),
  currency   STRING,
  event_time TIMESTAMP(3),
  address    ROW<street STRING, city STRING, country STRING>,
  tags       ARRAY<STRING>";

/// An endless row of orders, taken batch by batch.
pub(crate) struct Generator {
    state: u64,
    next_id: i64,
    schema: SchemaRef,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, next_id: 0, schema: schema() }
    }

    /// The Arrow schema of every batch.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next `rows` orders.
    pub(crate) fn next_batch(&mut self, rows: usize) -> Result<RecordBatch, ArrowError> {
        let mut columns = Columns::new(rows)?;
        for _ in 0..rows {
            let random = self.random();
            columns.append(self.next_id, random);
            self.next_id += 1;
        }
        RecordBatch::try_new(self.schema(), columns.finish())
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

struct Columns {
    id: Int64Builder,
    customer: StringViewBuilder,
    price: Decimal128Builder,
    currency: StringViewBuilder,
    event_time: TimestampMillisecondBuilder,
    address: StructBuilder,
    tags: ListBuilder<StringViewBuilder>,
}

impl Columns {
    fn new(rows: usize) -> Result<Self, ArrowError> {
        Ok(Self {
            id: Int64Builder::with_capacity(rows),
            customer: StringViewBuilder::with_capacity(rows),
            price: Decimal128Builder::with_capacity(rows).with_precision_and_scale(10, 2)?,
            currency: StringViewBuilder::with_capacity(rows),
            event_time: TimestampMillisecondBuilder::with_capacity(rows),
            address: StructBuilder::from_fields(address_fields(), rows),
            tags: ListBuilder::new(StringViewBuilder::new()),
        })
    }

    fn append(&mut self, id: i64, random: u64) {
        let place = PLACES[pick(random, 4, PLACES.len())];
        self.id.append_value(id);
        self.customer.append_value(format!("customer-{:05}", (random >> 8) % CUSTOMERS));
        self.price.append_value(i128::from(100 + (random >> 24) % 99_900));
        self.currency.append_value(CURRENCIES[pick(random, 0, CURRENCIES.len())]);
        self.event_time.append_value(
            FIRST_EVENT + id * EVENT_STEP_MS + ((random >> 52) as i64) % EVENT_STEP_MS,
        );
        for (index, text) in
            [format!("{} {}", place.0, 1 + (random >> 40) % 200).as_str(), place.1, place.2]
                .iter()
                .enumerate()
        {
            if let Some(field) = self.address.field_builder::<StringViewBuilder>(index) {
                field.append_value(text);
            }
        }
        self.address.append(true);
        for tag in &TAGS[..pick(random, 12, TAGS.len())] {
            self.tags.values().append_value(tag);
        }
        self.tags.append(true);
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.id.finish()),
            Arc::new(self.customer.finish()),
            Arc::new(self.price.finish()),
            Arc::new(self.currency.finish()),
            Arc::new(self.event_time.finish()),
            Arc::new(self.address.finish()),
            Arc::new(self.tags.finish()),
        ]
    }
}

fn pick(random: u64, shift: u32, choices: usize) -> usize {
    ((random >> shift) % choices as u64) as usize
}

fn schema() -> SchemaRef {
    let tag = Field::new_list_field(DataType::Utf8View, true);
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("customer", DataType::Utf8View, true),
        Field::new("price", DataType::Decimal128(10, 2), true),
        Field::new("currency", DataType::Utf8View, true),
        Field::new("event_time", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("address", DataType::Struct(address_fields()), true),
        Field::new("tags", DataType::List(Arc::new(tag)), true),
    ]))
}

fn address_fields() -> Fields {
    ["street", "city", "country"]
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8View, true))
        .collect()
}

const CURRENCIES: [&str; 4] = ["CHF", "EUR", "GBP", "USD"];
const CUSTOMERS: u64 = 20_000;
const PLACES: [(&str, &str, &str); 4] = [
    ("Bahnhofstrasse", "Zürich", "CH"),
    ("Rue de Rivoli", "Paris", "FR"),
    ("High Street", "Leeds", "GB"),
    ("Main Street", "Springfield", "US"),
];
const TAGS: [&str; 4] = ["new", "gift", "express", "return"];

/// 2026-01-01 00:00:00 UTC; a million orders then fill about a day.
const FIRST_EVENT: i64 = 1_767_225_600_000;
const EVENT_STEP_MS: i64 = 86;

#[cfg(test)]
mod tests {
    use super::Generator;

    #[test]
    fn the_same_seed_gives_the_same_orders_whatever_the_batches() {
        let whole = Generator::new(7).next_batch(10).unwrap();
        let mut parts = Generator::new(7);
        parts.next_batch(4).unwrap();
        assert_eq!(parts.next_batch(6).unwrap(), whole.slice(4, 6));
        assert_ne!(Generator::new(8).next_batch(10).unwrap(), whole);
    }
}
