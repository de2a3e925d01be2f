//! How a flow begins: one constructor a source. What a source does is in `src/source/`.

use std::path::Path;

use crossbeam_channel::Receiver;

use super::Flow;
use crate::source::{
    FromIter, FromIters, FromRange, FromReceiver, FromSlice, FromSource, FromText, Integer,
    Integers, ReadLines, Source, Text,
};

impl<'env, I> Flow<'env, FromIter<I>>
where
    I: Iterator + Send + 'env,
    I::Item: Send + 'env,
{
    /// A flow of the items of any iterator.
    ///
    /// Workers take turns: each locks the iterator and takes a chunk, one item at first and more while a chunk
    /// takes under a tenth of a millisecond. So a slow iterator's items are passed on as they come, expensive
    /// work is spread from the first items on, and cheap items cost a few nanoseconds each.
    ///
    /// - **Order**: chunks are numbered, so `ordered` keeps the order of the iterator.
    /// - **Threads**: the iterator runs on the workers of the first stage, one at a time; while it waits for
    ///   something, workers without work wait for it.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) items at most.
    /// - **Ends**: when `next` returned `None`; it is not called again. A stop takes effect after the call of
    ///   `next` in progress. A panic in `next` is an error of kind [`Panic`](crate::ErrorKind::Panic).
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let squares = Flow::from_iter(1..=4).map(|n| n * n).sum::<u32>()?;
    /// assert_eq!(squares, 30);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[allow(clippy::should_implement_trait)] // `FromIterator` would have to run something, and a flow is lazy.
    pub fn from_iter<C: IntoIterator<IntoIter = I, Item = I::Item>>(items: C) -> Self {
        Flow::from_pipe("iter", FromIter::new(items.into_iter()))
    }
}

impl<'env, T: Send + 'env> Flow<'env, FromIter<std::vec::IntoIter<T>>> {
    /// A flow of the items of a vector, by value.
    ///
    /// Workers move chunks out of it under a lock a chunk: cutting the vector into parts of their own beforehand
    /// would move all of it. To read a vector without consuming it, use [`from_slice`](Flow::from_slice).
    ///
    /// - **Order**: chunks are numbered, so `ordered` keeps the order of the vector.
    /// - **Threads**: the lock is held while a chunk of [`batch`](Flow::batch) items at most is moved.
    /// - **Memory**: the vector's, until the flow ends, and a chunk a worker.
    /// - **Ends**: after the last item. Items that a failed or stopped flow did not take are dropped.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let names = vec!["ada".to_string(), "grace".to_string()];
    /// let letters = Flow::from_vec(names).map(|name| name.len()).sum::<usize>()?;
    /// assert_eq!(letters, 8);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_vec(items: Vec<T>) -> Self {
        Flow::from_pipe("vec", FromIter::new(items.into_iter()))
    }
}

impl<'env, I> Flow<'env, FromIters<I>>
where
    I: Iterator + Send + 'env,
    I::Item: Send + 'env,
{
    /// A flow of the items of several iterators, which run in parallel.
    ///
    /// A worker takes an iterator, keeps it until its end, and takes the next. No lock is held while it runs, so
    /// this is the form for iterators that wait or compute: connections, decoders, generators.
    ///
    /// - **Order**: the items of one iterator keep their order; across iterators there is none. Under `ordered`,
    ///   chunks come out in the order in which they were taken.
    /// - **Threads**: as many iterators run at a time as the first stage has workers; the others wait.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) items at most.
    /// - **Ends**: when every iterator returned `None`; none is asked again. Where one ends,
    ///   [`map_batch`](Flow::map_batch) gives out what it has gathered.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let numbers = Flow::from_iters(vec![0..10, 100..110, 200..210]);
    /// assert_eq!(numbers.count()?, 30);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_iters<C>(iters: C) -> Self
    where
        C: IntoIterator<Item: IntoIterator<IntoIter = I, Item = I::Item>>,
    {
        let iters = iters.into_iter().map(IntoIterator::into_iter);
        Flow::from_pipe("iters", FromIters::new(iters))
    }
}

impl<'env, T: Integer> Flow<'env, FromRange<T>> {
    /// A flow of the integers of a range: `a..b`, without its end, or `a..=b`, with it, up to all of a type's.
    ///
    /// Workers cut pieces off it without a lock, and each piece is a plain range again, so that cheap steps over
    /// it compile to the loop that one would write by hand.
    ///
    /// - **Order**: pieces are numbered, so `ordered` keeps it ascending.
    /// - **Threads**: all workers at once; a piece takes about a tenth of a millisecond, whatever an item costs.
    /// - **Memory**: none.
    /// - **Ends**: at the end of the range; one that is empty or reversed gives nothing.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let sum = Flow::from_range(0..1_000_000u64).filter(|n| n % 3 == 0).sum::<u64>()?;
    /// assert_eq!(sum, 166_666_833_333);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_range(range: impl Integers<Of = T>) -> Self {
        Flow::from_pipe("range", FromRange::new(range))
    }
}

impl<'env, 'a: 'env, T: Sync> Flow<'env, FromSlice<'a, T>> {
    /// A flow of references to the items of a slice.
    ///
    /// - **Order**: pieces are numbered, so `ordered` keeps the order of the slice.
    /// - **Threads**: all workers at once, without a lock; a piece takes about a tenth of a millisecond.
    /// - **Memory**: none; the items are `&T` into the slice.
    /// - **Ends**: after the last item.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let words = ["mill", "stream"];
    /// let longest = Flow::from_slice(&words).map(|word| word.len()).collect_vec()?;
    /// assert_eq!(longest.into_iter().max(), Some(6));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_slice(slice: &'a [T]) -> Self {
        Flow::from_pipe("slice", FromSlice::new(slice))
    }
}

impl<'env, T: Send + 'env> Flow<'env, FromReceiver<T>> {
    /// A flow of what arrives on a crossbeam channel.
    ///
    /// - **Order**: chunks are numbered as they are taken, so `ordered` keeps the order of the channel.
    /// - **Threads**: all workers take from it; who finds it empty waits without using the processor.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) items at most. A bounded channel holds its
    ///   senders back when the flow is slower than they are.
    /// - **Ends**: when all senders are gone and the channel is empty. A stop or a deadline is seen within five
    ///   milliseconds while it waits.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let (sender, receiver) = crossbeam_channel::bounded(16);
    /// let sending = std::thread::spawn(move || (0..100).for_each(|n| sender.send(n).unwrap()));
    /// assert_eq!(Flow::from_receiver(receiver).sum::<i32>()?, 4950);
    /// sending.join().unwrap();
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_receiver(receiver: Receiver<T>) -> Self {
        Flow::from_pipe("receiver", FromReceiver::new(receiver))
    }
}

impl<'env, S: Source<Item: Send> + 'env> Flow<'env, FromSource<S>> {
    /// A flow of the items of a source of one's own: see [`Source`].
    ///
    /// - **Order**: the items of one split keep their order; across splits there is none. Under `ordered`,
    ///   chunks come out in the order in which they were taken.
    /// - **Threads**: every worker reads a split of its own.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) items at most, beside what the splits hold.
    /// - **Ends**: when no worker gets a split any more, or at the first error, after the items before it.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    /// use millstream::{BoxError, ErrorKind, Flow, Source};
    ///
    /// struct Logs(Mutex<Vec<&'static str>>);
    ///
    /// impl Source for Logs {
    ///     type Item = u32;
    ///     type Split<'s> = Box<dyn Iterator<Item = Result<u32, BoxError>>>;
    ///
    ///     fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
    ///         let Some(log) = self.0.lock().unwrap().pop() else {
    ///             return Ok(None);
    ///         };
    ///         Ok(Some(Box::new(log.split(' ').map(|word| Ok(word.parse()?)))))
    ///     }
    /// }
    ///
    /// let logs = Logs(Mutex::new(vec!["1 2 3", "40 50"]));
    /// assert_eq!(Flow::from_source(logs).sum::<u32>()?, 96);
    ///
    /// let torn = Logs(Mutex::new(vec!["1 2 3", "40 5o"]));
    /// let error = Flow::from_source(torn).sum::<u32>().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Source);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_source(source: S) -> Self {
        Flow::from_pipe("source", FromSource::new(source))
    }
}

impl<'env, 't: 'env> Flow<'env, FromText<'t, str>> {
    /// A flow of the lines of a [`Text`], which borrow from it.
    ///
    /// Lines are those of [`str::lines`]: without their end, which is `\n` or `\r\n`; the last may lack it.
    /// A failing step's error has the file, the byte and the number of the line it failed at.
    ///
    /// - **Order**: pieces are numbered, so `ordered` keeps the order of the lines, file after file.
    /// - **Threads**: each worker reads blocks of its own and takes a few lines of them at a time, all of a
    ///   block's when they are cheap; at the end workers help with each other's blocks. Under `ordered` all take
    ///   from one block at a time.
    /// - **Memory**: the text's; see [`Text`].
    /// - **Ends**: after the last line, or with an error of kind [`Utf8`](crate::ErrorKind::Utf8) or
    ///   [`Io`](crate::ErrorKind::Io). UTF-8 is checked block by block, so some lines may have been processed
    ///   before a bad byte is found.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// let text = Text::from("3 apples\n5 pears\nno plums");
    /// let error = Flow::from_lines(&text)
    ///     .try_map(|line| line.split(' ').next().unwrap_or_default().parse::<u32>())
    ///     .sum::<u32>()
    ///     .unwrap_err();
    /// assert!(error.to_string().contains("invalid digit"));
    ///
    /// let first_letters: String = Flow::from_lines(&text)
    ///     .ordered()
    ///     .filter_map(|line| line.chars().nth(2))
    ///     .collect()?;
    /// assert_eq!(first_letters, "ap ");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_lines(text: &'t Text) -> Self {
        Flow::from_pipe("lines", FromText::new(text))
    }
}

impl<'env, 't: 'env> Flow<'env, FromText<'t, [u8]>> {
    /// A flow of the lines of a [`Text`] as bytes, in any encoding in which `\n` ends a line.
    ///
    /// It is [`from_lines`](Flow::from_lines) without the check of UTF-8: order, threads, memory and end are the same.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// let text = Text::from("one\r\ntwo\n");
    /// let bytes = Flow::from_byte_lines(&text).map(|line: &[u8]| line.len()).sum::<usize>()?;
    /// assert_eq!(bytes, 6);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_byte_lines(text: &'t Text) -> Self {
        Flow::from_pipe("byte lines", FromText::new(text))
    }
}

impl<'env> Flow<'env, ReadLines<str>> {
    /// A flow of the lines of files, which are read as a stream: for files that do not fit memory.
    ///
    /// Lines are those of [`str::lines`], as owned strings. A failing step's error has the file, the byte and the
    /// number of the line it failed at.
    ///
    /// - **Order**: pieces are numbered, so `ordered` keeps the order of the lines, file after file.
    /// - **Threads**: each worker reads blocks of its own, of the same file or of several; at the end workers
    ///   help with each other's blocks. Under `ordered` all take from one block at a time.
    /// - **Memory**: a block of 256 KiB a worker, or its longest line where that is longer.
    /// - **Ends**: after the last line of the last file, or with an error. Files are opened one after the other
    ///   when the flow comes to them: one that is missing is an error of kind [`Io`](crate::ErrorKind::Io) from
    ///   the terminal method. Bytes that are not UTF-8 are one of kind [`Utf8`](crate::ErrorKind::Utf8). Nothing
    ///   may change the files meanwhile; one that becomes shorter is an error.
    ///
    /// # Examples
    /// ```
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let sections = Flow::read_lines(["Cargo.toml"]).filter(|line| line.starts_with('[')).count()?;
    /// assert!(sections > 2);
    ///
    /// let error = Flow::read_lines(["Cargo.toml", "missing.txt"]).count().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Io);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn read_lines<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths.into_iter().map(|path| path.as_ref().to_owned());
        Flow::from_pipe("read lines", ReadLines::new(paths.collect()))
    }
}

impl<'env> Flow<'env, ReadLines<[u8]>> {
    /// A flow of the lines of files as bytes, in any encoding in which `\n` ends a line.
    ///
    /// It is [`read_lines`](Flow::read_lines) without the check of UTF-8: order, threads, memory and end are the
    /// same.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let longest = Flow::read_byte_lines(["Cargo.toml"]).map(|line: Vec<u8>| line.len()).collect_vec()?;
    /// assert!(longest.into_iter().max() > Some(10));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn read_byte_lines<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths.into_iter().map(|path| path.as_ref().to_owned());
        Flow::from_pipe("read byte lines", ReadLines::new(paths.collect()))
    }
}
