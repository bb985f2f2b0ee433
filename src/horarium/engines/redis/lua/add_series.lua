-- Add tallies to those of their buckets, keep the greatest readings, and remove old buckets.
-- Parameters: KEYS[1] the namespace; ARGV how many buckets of a width and kind to remove at the most, number of widths, of
--   each: width, the moment before which its old buckets began; number of tallies, of each: width, bucket, task and queue
--   (JSON), sums (JSON: {c: numbers by outcome, r: histogram of run times, rs: their sum, w, ws: those of waits}; what is
--   empty is left out); of each reading: width, bucket, queue, ready, claimed, oldest
-- Result: none
-- State: unchanged
-- Safe: a script runs alone; sent twice, it counts twice
local K, limit, at = KEYS[1], ARGV[1], 2

local function each_of(size, work)
  local count = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, count do
    work(unpack(ARGV, at, at + size - 1))
    at = at + size
  end
end

local function prune(kind, width, before)
  local old = redis.call('ZRANGEBYSCORE', K .. kind .. ':' .. width, '-inf', '(' .. before, 'LIMIT', 0, limit)
  for _, bucket in ipairs(old) do
    redis.call('DEL', K .. kind .. ':' .. width .. ':' .. bucket)
    redis.call('ZREM', K .. kind .. ':' .. width, bucket)
  end
end

local function added(one, other)
  if not one then return other end
  for place, number in ipairs(other or {}) do one[place] = (one[place] or 0) + number end
  return one
end

local function bucket_key(kind, width, bucket)
  redis.call('ZADD', K .. kind .. ':' .. width, bucket, bucket)
  return K .. kind .. ':' .. width .. ':' .. bucket
end

each_of(2, function(width, before)
  prune('tallies', width, before)
  prune('readings', width, before)
end)
each_of(4, function(width, bucket, name, told)
  local key = bucket_key('tallies', width, bucket)
  local known = redis.call('HGET', key, name)
  if known then
    local sums, more = cjson.decode(known), cjson.decode(told)
    for word, number in pairs(more.c or {}) do
      sums.c = sums.c or {}
      sums.c[word] = (sums.c[word] or 0) + number
    end
    sums.r, sums.w = added(sums.r, more.r), added(sums.w, more.w)
    sums.rs, sums.ws = (sums.rs or 0) + (more.rs or 0), (sums.ws or 0) + (more.ws or 0)
    told = cjson.encode(sums)
  end
  redis.call('HSET', key, name, told)
end)
each_of(6, function(width, bucket, queue, ready, claimed, oldest)
  local key = bucket_key('readings', width, bucket)
  local known = redis.call('HGET', key, queue)
  if known then
    local numbers = {string.match(known, '^(%S+) (%S+) (%S+)$')}
    if tonumber(numbers[1]) > tonumber(ready) then ready = numbers[1] end
    if tonumber(numbers[2]) > tonumber(claimed) then claimed = numbers[2] end
    if tonumber(numbers[3]) > tonumber(oldest) then oldest = numbers[3] end
  end
  redis.call('HSET', key, queue, ready .. ' ' .. claimed .. ' ' .. oldest)
end)
