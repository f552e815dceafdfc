-- What an asset is about, in a few sentences, as a sidecar or a server tells.
ALTER TABLE assets ADD COLUMN plot TEXT;
