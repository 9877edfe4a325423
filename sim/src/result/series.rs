//! How a run went, over time.

/// One point of the time series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Hours of virtual time.
    pub hour: f64,
    /// Nodes online.
    pub nodes_online: u32,
    /// Nodes that have not left for good.
    pub nodes: u32,
    /// Files whose put was acknowledged.
    pub files_stored: u32,
    /// Of these, files that can be rebuilt from disks that exist.
    pub files_safe: u32,
    /// Fewest live shards of a stored segment, on disks that exist.
    pub live_min: u16,
    /// 5 % of the segments have this many live shards or fewer.
    pub live_p05: u16,
    /// Median.
    pub live_p50: u16,
    /// 95 % have this many or fewer.
    pub live_p95: u16,
    /// Fewest shards of a stored segment on nodes online now.
    pub online_min: u16,
    /// Median of the same.
    pub online_p50: u16,
    /// Shards rebuilt since the start.
    pub shards_repaired: u64,
    /// Bytes that repairs moved since the start.
    pub repair_bytes: u64,
    /// Bytes that all messages carried since the start.
    pub network_bytes: u64,
    /// Node events and delivered messages since the start.
    pub events: u64,
}

/// One fetch that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrieval {
    /// Hours of virtual time when it was asked for.
    pub hour: f64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Virtual milliseconds until the last byte or the failure.
    pub latency_ms: f64,
    /// True if the file came back byte for byte.
    pub ok: bool,
    /// True for a fetch after the network settled.
    pub last: bool,
}

/// Both tables of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// In order of time.
    pub samples: Vec<Sample>,
    /// In order of completion.
    pub retrievals: Vec<Retrieval>,
}
