//! `/channels.m3u`: the channel list for players (extended M3U with the attributes of IPTV clients).
//!
//! Pure: text from the channel list and the name by which the client calls this station.

use super::escape::M3u;
use crate::plan::ChannelInfo;
use std::fmt::Write;

/// Media type of the playlist.
pub(crate) const MEDIA_TYPE: &str = "audio/x-mpegurl; charset=utf-8";

/// The playlist of `channels`, each with the address of its logo, as seen by a client that calls the station `host`.
pub(crate) fn playlist<'a>(
    station: &str,
    channels: impl IntoIterator<Item = (&'a ChannelInfo, Option<String>)>,
    host: &str,
) -> String {
    let mut text = format!("#EXTM3U url-tvg=\"http://{host}/guide.xml\"\n");
    for (channel, logo) in channels {
        let logo = logo.map_or_else(String::new, |logo| format!(" tvg-logo=\"http://{host}{logo}\""));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "#EXTINF:-1 tvg-id=\"{}\" tvg-chno=\"{}\" tvg-name=\"{name}\"{logo} group-title=\"{}\",{name}\n\
             http://{host}/channel/{}.ts",
            channel.guide_id(),
            channel.number,
            M3u(station),
            M3u(&channel.id),
            name = M3u(&channel.name),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_for_each_channel() {
        let channel = ChannelInfo {
            id: "late-movies".to_owned(),
            channel_id: 12,
            number: 4,
            name: "Late \"Movies\"\n#EXTINF".to_owned(),
        };
        assert_eq!(
            playlist("Retro", [(&channel, None)], "tv.lan:8409"),
            "#EXTM3U url-tvg=\"http://tv.lan:8409/guide.xml\"\n\
             #EXTINF:-1 tvg-id=\"retrovue.12\" tvg-chno=\"4\" tvg-name=\"Late 'Movies' #EXTINF\" \
             group-title=\"Retro\",Late 'Movies' #EXTINF\n\
             http://tv.lan:8409/channel/late-movies.ts\n"
        );
        let logo = Some("/logo/late-movies.png".to_owned());
        let list = playlist("Retro", [(&channel, logo)], "tv.lan:8409");
        let expect = "tvg-logo=\"http://tv.lan:8409/logo/late-movies.png\" group-title";
        assert!(list.contains(expect), "{list}");
    }
}
