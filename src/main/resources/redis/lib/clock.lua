-- The server's time, in whole milliseconds since 1970.
-- Reads: call
-- Leaves: clock, now
local clock = call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
