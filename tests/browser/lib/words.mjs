// What is written in the main job, in the language of the test.

export const WORDS = {
  en: {
    question: 'Breathless at night for two weeks: is the heart behind it, and can we treat her here?',
    background: 'Known for years with the illness in the record. Sleeps on three pillows, ankles swollen, no chest pain.',
    asked: 'Please add the weight of the last three days.',
    supplied: '61.2, 61.9 and 62.4 kg.',
    message: 'Is there a murmur?',
    reply: 'Soft, at the apex, since yesterday.',
    findings: 'Congestion by history and weight; soft apical murmur.',
    assessment: 'Heart failure is likely. Nothing here forces a journey tonight.',
    advice: '1. Furosemide 40 mg in the morning for five days.\n2. Weight every morning, potassium on day three.\n3. Echocardiography at the next clinic.',
    plan: 'Furosemide begun, weighed daily.',
    outcome: 'Weight down by 3 kg, sleeps flat. No journey was needed.',
  },
  'zh-CN': {
    question: '夜间气促两周，是否为心源性？能否在本院治疗？',
    background: '既往病史见病历。夜间需垫三个枕头，双踝水肿，无胸痛。',
    asked: '请补充最近三天的体重。',
    supplied: '61.2、61.9、62.4 千克。',
    message: '有无心脏杂音？',
    reply: '昨日起心尖部可闻及轻度杂音。',
    findings: '病史与体重提示淤血；心尖部轻度杂音。',
    assessment: '考虑心力衰竭，今晚无须转院。',
    advice: '1. 呋塞米40 mg，每日早晨1次，共5天。\n2. 每日晨起测体重，第3天复查血钾。\n3. 下次门诊行超声心动图。',
    plan: '已开始呋塞米治疗，每日称体重。',
    outcome: '体重下降3千克，可平卧入睡，未转院。',
  },
};
