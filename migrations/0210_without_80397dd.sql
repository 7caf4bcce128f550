-- What stood for programs of 80397dd alone, which no upgrade from now on has beside newer ones:
-- other names of `append_batch` and `take_turn` (0030, 0130), and the tables whose content 0060
-- moved to those of the reactions. Each statement waits for those who use what it drops, and none
-- does.
DROP FUNCTION append(
    bigint, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[], bigint[], text[],
    smallint[], smallint[], timestamptz[], text[], text[]
);
DROP FUNCTION append(
    uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[],
    bigint[], text[], smallint[], smallint[], timestamptz[], text[], text[]
);
DROP FUNCTION take_turn(bigint, integer);
DROP TABLE payment_process, payment_process_parked, payment_tasks;
