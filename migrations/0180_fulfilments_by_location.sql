-- Which location a parcel leaves from: for a warehouse's list of what it has to pack and send. The
-- projector builds the rows anew; until then they have none.
ALTER TABLE fulfilments_rows ADD COLUMN location text COLLATE "C";
CREATE INDEX fulfilments_rows_location_created
    ON fulfilments_rows (build, location, created_at, id);

CREATE OR REPLACE VIEW fulfilments AS
SELECT id, document, position, version, order_id, status, created_at, updated_at, build, location
FROM fulfilments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'fulfilments');
