use retrovue_codec::*; use retrovue_timebase::*;
fn main(){ let p=std::env::args().nth(1).unwrap(); let shape=OutputShape{width:320,height:180,rate:FrameRate::new(25,1).unwrap(),audio_language:None};
 let mut r=AssetReader::open(p.as_ref(),&shape).unwrap(); r.start_at(Millis(0)).unwrap(); let mut pcm=vec![0i16;2*4000]; let n=r.audio(&mut pcm).unwrap();
 println!("{n} {:?}", pcm.chunks(2).map(|c|c[0]).enumerate().filter(|(_,v)|v.abs()>500).take(3).collect::<Vec<_>>()); println!("{:?}", pcm.chunks(2).map(|c|c[0]).take(700).step_by(20).collect::<Vec<_>>());}
