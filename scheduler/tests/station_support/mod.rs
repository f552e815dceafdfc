//! What the station's tests share: a schedule without a catalog, an HTTP client, a reader of packets, and
//! a stand-in for AIR.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

pub mod fake_air;
pub mod packets;

use retrovue_proto::plan::{BlockPlan, HouseFormat, Notes, Segment};
use retrovue_scheduler::air::schedule::Schedule;
use retrovue_scheduler::catalog::{Artwork, Catalog};
use retrovue_scheduler::plan::{ChannelInfo, GuideCategory, GuideEvent, PlanError};
use retrovue_scheduler::station::{Station, StationOptions};
use retrovue_timebase::{Millis, UtcMs};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Channels `one`, `two`, … with blocks of a fixed length: three quarters show, one quarter advert.
pub struct Grid {
    channels: Vec<ChannelInfo>,
    format: HouseFormat,
    block_ms: i64,
    /// Name of the show; one that has `rotten` in it fails when it is on the air.
    show: &'static str,
    artwork: Option<Artwork>,
    logo: Option<PathBuf>,
}

impl Schedule for Grid {
    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn format(&self) -> &HouseFormat {
        &self.format
    }

    fn block_at(
        &self,
        channel: &str,
        instant: UtcMs,
        avoid: &BTreeSet<String>,
    ) -> Result<BlockPlan, PlanError> {
        let info = self
            .channels
            .iter()
            .find(|info| info.id == channel)
            .ok_or_else(|| PlanError::UnknownChannel { channel: channel.to_owned() })?;
        let number = instant.0.div_euclid(self.block_ms);
        let parts = [(self.show, self.block_ms * 3 / 4), ("/advert.mp4", self.block_ms / 4)];
        let segments = (0..).zip(parts).map(|(segment_index, (uri, ms))| Segment {
            segment_index,
            asset_uri: if avoid.contains(uri) { "/filler.mp4".to_owned() } else { uri.to_owned() },
            asset_start_offset_ms: Millis(0),
            segment_duration_ms: Millis(ms),
            frame_count: None,
            metadata: Notes::from([(
                "asset_id".into(),
                if avoid.contains(uri) { "/filler.mp4" } else { uri }.into(),
            )]),
        });
        Ok(BlockPlan {
            block_id: format!("{channel}-{number}"),
            channel_id: info.channel_id,
            start_utc_ms: UtcMs(number * self.block_ms),
            end_utc_ms: UtcMs((number + 1) * self.block_ms),
            events: vec![],
            cues: vec![],
            segments: segments.collect(),
        })
    }

    fn guide(&self, channel: &str, from: UtcMs, to: UtcMs) -> Result<Vec<GuideEvent>, PlanError> {
        let mut events = Vec::new();
        let mut at = from;
        while at < to && events.len() < 1000 {
            let block = self.block_at(channel, at, &BTreeSet::new())?;
            at = block.end_utc_ms;
            let title = format!("Show <{}>", block.block_id);
            let (start, end) = (block.start_utc_ms, block.end_utc_ms);
            let plain = GuideEvent::plain(start, end, title, GuideCategory::Series);
            events.push(GuideEvent { artwork: self.artwork, ..plain });
        }
        Ok(events)
    }

    fn logo(&self, channel: &str) -> Option<PathBuf> {
        self.logo.clone().filter(|_| channel == "one")
    }
}

/// How a test wants its station.
pub struct Setup {
    pub channels: usize,
    pub block_ms: i64,
    pub linger: Duration,
    pub kbps: u32,
    pub show: &'static str,
    /// The data folder of the catalog in which what airs is recorded.
    pub data_dir: Option<PathBuf>,
    /// The picture of everything in the guide.
    pub artwork: Option<Artwork>,
    /// The logo of the first channel.
    pub logo: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            channels: 1,
            block_ms: 60_000,
            linger: Duration::from_millis(300),
            kbps: 1_000,
            show: "/show.mp4",
            data_dir: None,
            artwork: None,
            logo: None,
        }
    }
}

fn grid(channels: Vec<ChannelInfo>, setup: &Setup) -> Grid {
    let format = HouseFormat {
        width: 320,
        height: 180,
        fps_num: 25,
        fps_den: 1,
        video_bitrate_kbps: setup.kbps,
        audio_bitrate_kbps: 64,
        gop_frames: 12,
        mux_rate_kbps: None,
        preset: String::new(),
        audio_language: String::new(),
        encoder_threads: 0,
        cues: false,
    };
    let (artwork, logo) = (setup.artwork, setup.logo.clone());
    Grid { channels, format, block_ms: setup.block_ms, show: setup.show, artwork, logo }
}

/// A schedule without channels.
pub fn empty_grid() -> Grid {
    grid(Vec::new(), &Setup::default())
}

/// A station on a free port of the loopback address, with the stand-in for AIR.
pub struct TestStation {
    pub station: Option<Station>,
    pub address: SocketAddr,
    pub air: fake_air::Installed,
}

impl TestStation {
    pub fn start(setup: Setup) -> TestStation {
        let names = ["one", "two", "three"];
        let channels = (1..).zip(names).take(setup.channels).map(|(number, id)| ChannelInfo {
            id: id.to_owned(),
            channel_id: number,
            number: number.unsigned_abs(),
            name: format!("Channel {id} & <friends>"),
        });
        let channels: Vec<ChannelInfo> = channels.collect();
        let catalog = setup.data_dir.as_ref().map(|dir| {
            let mut catalog = Catalog::open(dir).unwrap();
            for info in &channels {
                let known = catalog.register_channel(&info.id, info.number, &info.name).unwrap();
                assert_eq!(known.channel_id, info.channel_id);
            }
            catalog.path().to_owned()
        });
        let grid = grid(channels, &setup);
        let air = fake_air::install();
        let mut options = StationOptions::new("Test <Station>", 0);
        options.address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        options.linger = setup.linger;
        options.catalog = catalog;
        options.air_program = Some(air.program.clone());
        let station = Station::start(options, Arc::new(grid)).unwrap();
        TestStation { address: station.address(), station: Some(station), air }
    }

    /// Connects and sends `request` as it is.
    pub fn send(&self, request: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.write_all(request).unwrap();
        socket
    }

    /// The whole response to `request`.
    pub fn exchange(&self, request: &[u8]) -> String {
        let mut response = Vec::new();
        self.send(request).read_to_end(&mut response).unwrap();
        String::from_utf8(response).unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: tv.lan:8409\r\n\r\n").as_bytes())
    }

    /// The JSON of channel `index`.
    pub fn channel(&self, index: usize) -> serde_json::Value {
        let response = self.get("/api/channels");
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        json["channels"][index].clone()
    }

    /// Waits until the JSON of channel `index` pleases.
    pub fn wait_for(&self, index: usize, what: &str, pleases: impl Fn(&serde_json::Value) -> bool) {
        let by = Instant::now() + Duration::from_secs(4);
        loop {
            let channel = self.channel(index);
            if pleases(&channel) {
                return;
            }
            assert!(Instant::now() < by, "waited for {what} in vain: {channel}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Tunes in to `channel`.
    pub fn tune(&self, channel: &str) -> packets::Stream {
        let request = format!("GET /channel/{channel}.ts HTTP/1.1\r\nHost: tv\r\n\r\n");
        packets::Stream::new(self.send(request.as_bytes()))
    }

    pub fn stop(mut self) {
        self.station.take().unwrap().stop();
    }
}

impl Drop for TestStation {
    fn drop(&mut self) {
        if let Some(station) = self.station.take() {
            station.stop();
        }
    }
}
