-- Adds entries to a conversation if it has as many as the writer knows of.
-- KEYS: the log, what a listing tells of it, the index.
-- ARGV: how many must be there; for how many milliseconds it is kept; its name; when it changed;
-- whether it was cleared ("1"); turns since; their first words; how it was opened; the entries.
local found = redis.call('LLEN', KEYS[1])
if found ~= tonumber(ARGV[1]) then return {0, found} end
if #ARGV < 9 then return {1, found} end

for at = 9, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[at]) end
if ARGV[5] == '1' then redis.call('HDEL', KEYS[2], 'turns', 'first') end
redis.call('HSET', KEYS[2], 'changed', ARGV[4])
redis.call('HINCRBY', KEYS[2], 'turns', ARGV[6])
if ARGV[7] ~= '' then redis.call('HSETNX', KEYS[2], 'first', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', KEYS[2], 'opened', ARGV[8]) end

-- The index is ordered by when a conversation goes, so that it forgets it then, too.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
return {1, redis.call('LLEN', KEYS[1])}
