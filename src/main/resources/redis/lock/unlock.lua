-- Ends Redisson's lock. Redisson's own script also declares a channel and a mark of its own: while a Cluster slot moves those are absent,
-- and nobody could end a lock.
-- KEYS: lock (Redisson's)
-- ARGV: message (what is told), name (Redisson's of the holder), publish, channel
-- Returns: 1 | nil when the lock is not this holder's any more
local key_lock = KEYS[1]
local message, name, publish, channel = unpack(ARGV)
if redis.call('HEXISTS', key_lock, name) == 0 then return nil end
redis.call('DEL', key_lock)
redis.call(publish, channel, message)
return 1
