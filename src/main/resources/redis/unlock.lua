-- Ends Redisson's lock. Redisson's own script also declares a channel and a mark of its own: while a
-- Cluster slot moves those are absent, and nobody could end a lock.
--
-- KEYS: 1 Redisson's lock
-- ARGV: 1 what is told, 2 Redisson's name of the holder, 3 publish command, 4 channel
-- Returns: 1 | nil when the lock is not this holder's any more
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then return nil end
redis.call('DEL', KEYS[1])
redis.call(ARGV[3], ARGV[4], ARGV[1])
return 1
