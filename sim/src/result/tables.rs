//! The series in Apache Parquet, by the column writer: no Arrow, and the same bytes for the same run.

use super::{Retrieval, Sample};
use parquet::{
    basic::Compression,
    data_type::{BoolType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{io::Write, sync::Arc};

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write a table: {0}")]
pub struct TableError(#[from] ParquetError);

const SAMPLES: &str = "message samples {
    required double hour;
    required int32 nodes_online;
    required int32 nodes;
    required int32 files_stored;
    required int32 files_safe;
    required int32 live_min;
    required int32 live_p05;
    required int32 live_p50;
    required int32 live_p95;
    required int32 online_min;
    required int32 online_p50;
    required int64 shards_repaired;
    required int64 repair_bytes;
    required int64 network_bytes;
    required int64 events;
}";

const RETRIEVALS: &str = "message retrievals {
    required double hour;
    required int64 bytes;
    required double latency_ms;
    required boolean ok;
    required boolean last;
}";

/// Writes the time series, one row a point.
///
/// # Errors
/// [`TableError`] if `out` fails.
pub fn write_samples(out: impl Write + Send, samples: &[Sample]) -> Result<(), TableError> {
    write(out, SAMPLES, |columns| {
        columns.put::<DoubleType>(samples.iter().map(|s| s.hour))?;
        let counts: [fn(&Sample) -> u32; 10] = [
            |s| s.nodes_online,
            |s| s.nodes,
            |s| s.files_stored,
            |s| s.files_safe,
            |s| s.live_min.into(),
            |s| s.live_p05.into(),
            |s| s.live_p50.into(),
            |s| s.live_p95.into(),
            |s| s.online_min.into(),
            |s| s.online_p50.into(),
        ];
        for count in counts {
            columns.put::<Int32Type>(samples.iter().map(|s| count(s) as i32))?;
        }
        let totals: [fn(&Sample) -> u64; 4] =
            [|s| s.shards_repaired, |s| s.repair_bytes, |s| s.network_bytes, |s| s.events];
        for total in totals {
            columns.put::<Int64Type>(samples.iter().map(|s| total(s) as i64))?;
        }
        Ok(())
    })
}

/// Writes the fetches, one row each.
///
/// # Errors
/// [`TableError`] if `out` fails.
pub fn write_retrievals(out: impl Write + Send, retrievals: &[Retrieval]) -> Result<(), TableError> {
    write(out, RETRIEVALS, |columns| {
        columns.put::<DoubleType>(retrievals.iter().map(|r| r.hour))?;
        columns.put::<Int64Type>(retrievals.iter().map(|r| r.bytes as i64))?;
        columns.put::<DoubleType>(retrievals.iter().map(|r| r.latency_ms))?;
        columns.put::<BoolType>(retrievals.iter().map(|r| r.ok))?;
        columns.put::<BoolType>(retrievals.iter().map(|r| r.last))
    })
}

/// Columns of one row group, written in the order of the schema.
struct Columns<'a, 'b, W: Write + Send>(&'a mut SerializedRowGroupWriter<'b, W>);

impl<W: Write + Send> Columns<'_, '_, W> {
    fn put<T: DataType>(&mut self, values: impl Iterator<Item = T::T>) -> Result<(), ParquetError> {
        let values: Vec<T::T> = values.collect();
        let column = self.0.next_column()?;
        let mut column =
            column.ok_or_else(|| ParquetError::General("the schema has fewer columns".into()))?;
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()
    }
}

fn write<W: Write + Send>(
    out: W,
    schema: &str,
    fill: impl FnOnce(&mut Columns<'_, '_, W>) -> Result<(), ParquetError>,
) -> Result<(), TableError> {
    let schema = Arc::new(parse_message_type(schema)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("holdfast-sim ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    fill(&mut Columns(&mut group))?;
    group.close()?;
    writer.close()?;
    Ok(())
}
