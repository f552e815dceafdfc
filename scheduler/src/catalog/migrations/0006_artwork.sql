-- The picture of an asset: a file beside it or its series', chosen by a scan. `artwork_mark` tells the file's path, size and
-- time of change, and is its name in addresses. `artwork_named` is the file that the asset's sidecar names, whether it is
-- there or not, so that a scan sees when it comes without reading the sidecar again.
ALTER TABLE assets ADD COLUMN artwork TEXT;
ALTER TABLE assets ADD COLUMN artwork_mark INTEGER CHECK ((artwork IS NULL) = (artwork_mark IS NULL));
ALTER TABLE assets ADD COLUMN artwork_named TEXT;
CREATE INDEX assets_by_artwork ON assets(artwork_mark);
