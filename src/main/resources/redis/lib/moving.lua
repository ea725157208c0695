-- For what removes keys and makes them again: not while the slot moves. Who gives it away cannot make a key again that is gone, and who
-- gets it cannot rename one, so half of the write would be done. Asks for keys that nobody has, which only such a node refuses.
-- Reads: redis, key_session
-- Leaves: nobodys
local nobodys = string.gsub(key_session, '}:s:', '}:none:', 1)
if type(redis.pcall('EXISTS', nobodys, nobodys .. '/')) ~= 'number' then
  return redis.error_reply('TRYAGAIN the slot moves')
end
