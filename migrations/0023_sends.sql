-- Whether a build marks what changes in it, to be sent to the search engine. One that is being made
-- is not yet sent: it is sent whole when it is complete, and marks what changes from then on. To
-- mark and clear each document on the way was half of filling an index.
ALTER TABLE projection_builds ADD COLUMN sends boolean NOT NULL DEFAULT true;
