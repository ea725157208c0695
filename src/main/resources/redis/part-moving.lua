-- Part of what removes a key and makes it again: not while this node gives the slot away, for then a key
-- that is gone cannot be made again, and half of the write would be done. Asks for a key that nobody has,
-- which only such a node refuses.
local nobodys = string.gsub(KEYS[1], '}:s:', '}:none:', 1)
if type(redis.pcall('EXISTS', nobodys)) ~= 'number' then return redis.error_reply('TRYAGAIN the slot moves') end
